"""Release helper: write the digest of `mlflow/` into its image's tag in docker-compose.yml, after any change there.

The tag makes a changed recipe another image, which Compose then builds, instead of one that it has already.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docker-compose.yml"
RECIPE = ("Dockerfile", "ready.sh", "requirements.txt", "serve.sh")


def tag() -> str:
    """MLflow's version and the digest, such as `3.17.2-0a1b2c3d`."""
    contents = [(ROOT / "mlflow" / name).read_bytes() for name in RECIPE]
    version = re.search(rb"^mlflow==(\S+)", contents[2], re.MULTILINE)
    if version is None:
        raise SystemExit("mlflow is not in its requirements")
    return f"{version[1].decode()}-{hashlib.sha256(b''.join(contents)).hexdigest()[:8]}"


def main() -> None:
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(re.sub(r"(mmp-local-dev-mlflow:)[\w.-]+", rf"\g<1>{tag()}", text), encoding="utf-8")
    print(f"mmp-local-dev-mlflow:{tag()}")


if __name__ == "__main__":
    main()
