"""setup-dev-environment.sh and scripts/install.sh: what they find, refuse, finish and leave alone."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = "setup-dev-environment.sh"


def environment(script: Path, **given: str) -> dict[str, str]:
    """Nothing of the developer's; the home folder is the test's own."""
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(script.parents[2]), **given}


def run(script: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a script from a folder that has nothing to do with it."""
    return subprocess.run(
        [script, *arguments],
        cwd="/",
        env=environment(script, **given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write(path: Path, text: str, *, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")
    path.chmod(mode)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def git(*arguments: str, cwd: Path) -> None:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid")
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    folder = tmp_path / "Meine Projekte, 모델"
    folder.mkdir()
    return folder


class TestInAConsumersRepository:
    """A copy of the script; the clone beside it has a script that only tells how it was called."""

    @pytest.fixture
    def script(self, projects: Path) -> Path:
        (projects / "pipeline").mkdir()
        return Path(shutil.copy2(REPOSITORY / SCRIPT, projects / "pipeline"))

    @pytest.fixture
    def upstream(self, tmp_path: Path) -> Path:
        folder = tmp_path / "upstream"
        write(folder / "dev-contract.yml", "")
        write(folder / "src/mmp_local_dev/__init__.py", "")
        write(folder / SCRIPT, '#!/bin/sh\nprintf "<%s>" "$0" "$@"\nexit 7\n', mode=0o755)
        git("init", "--quiet", cwd=folder)
        git("add", ".", cwd=folder)
        git("commit", "--quiet", "--message", "All", cwd=folder)
        return folder

    def test_clones_the_sibling_once_and_hands_over_every_argument(
        self, script: Path, projects: Path, upstream: Path
    ) -> None:
        expected = f"<{projects}/mmp-local-dev/{SCRIPT}><--runtime><native><a  b>"

        first = run(script, "--runtime", "native", "a  b", MMP_LOCAL_DEV_REPO=str(upstream))
        again = run(script, "--runtime", "native", "a  b")

        assert (first.stdout, first.returncode) == (expected, 7), first.stderr
        assert (again.stdout, again.returncode) == (expected, 7), again.stderr
        assert "Cloning" in first.stderr
        assert not again.stderr
        assert names(projects) == ["mmp-local-dev", "pipeline"]

    def test_says_how_to_name_what_to_clone(self, script: Path, projects: Path) -> None:
        result = run(script)

        assert result.returncode == 3
        assert f"there is no {projects}/mmp-local-dev" in result.stderr
        command = result.stderr.splitlines()[-1].split("> ", 1)[1]
        told = subprocess.run(["bash", "-c", f"printf %s {command}"], capture_output=True, text=True, check=True)
        assert told.stdout == str(script)
        assert names(projects) == ["pipeline"]

    @pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "dangling link"])
    def test_leaves_something_else_in_the_siblings_place_alone(
        self, script: Path, projects: Path, upstream: Path, kind: str
    ) -> None:
        sibling = projects / "mmp-local-dev"
        if kind == "file":
            write(sibling, "mine")
        elif kind == "dangling link":
            sibling.symlink_to("elsewhere")
        else:
            sibling.mkdir()
        if kind == "folder":
            write(sibling / "notes.txt", "mine")
        before = sorted((path, path.lstat().st_mtime_ns) for path in projects.rglob("*"))

        result = run(script, MMP_LOCAL_DEV_REPO=str(upstream))

        assert result.returncode == 3
        assert f"{sibling} exists, but is not a clone of mmp-local-dev" in result.stderr
        assert sorted((path, path.lstat().st_mtime_ns) for path in projects.rglob("*")) == before

    @pytest.mark.parametrize("wrong", ["no repository", "another project"])
    def test_leaves_nothing_of_a_clone_that_is_of_no_use(self, script: Path, projects: Path, wrong: str) -> None:
        source = projects.parent / "source"
        source.mkdir()
        if wrong == "another project":
            git("init", "--quiet", cwd=source)
            git("commit", "--quiet", "--allow-empty", "--message", "Nothing", cwd=source)

        result = run(script, MMP_LOCAL_DEV_REPO=str(source))

        assert result.returncode == 3
        assert "MMP_LOCAL_DEV_REPO" in result.stderr
        assert names(projects) == ["pipeline"]

    @pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
    @pytest.mark.parametrize("send", [os.kill, os.killpg])
    def test_survives_an_interrupted_clone(
        self,
        script: Path,
        projects: Path,
        upstream: Path,
        send: Callable[[int, int], None],
        signal_number: signal.Signals,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(30)
            source = f"git://127.0.0.1:{silent.getsockname()[1]}/mmp-local-dev"
            clone = subprocess.Popen(
                [script],
                env=environment(script, MMP_LOCAL_DEV_REPO=source),
                start_new_session=True,
                stderr=subprocess.DEVNULL,
            )
            connection, _ = silent.accept()  # git waits for an answer now, and its folder is there
            with connection:
                send(clone.pid, signal_number)
                clone.wait(timeout=30)

        left = [name for name in names(projects) if name != "pipeline"]
        assert all(name.startswith(".") for name in left)
        assert signal_number == signal.SIGKILL or not left
        assert run(script, MMP_LOCAL_DEV_REPO=str(upstream)).returncode == 7


def make_wheel(folder: Path, package: str, command: str) -> Path:
    """A wheel with one command, which prints where and with which arguments it was called."""
    about = f"{package}-1.dist-info"
    files = {
        f"{package}.py": "import os, sys\ndef main():\n    print(os.getcwd(), sys.argv[1:])\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[console_scripts]\n{command} = {package}:main\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(folder / f"{package}-1-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder / f"{package}-1-py3-none-any.whl"


class TestInACheckout:
    """The real scripts in a checkout that requires one package, which lies in it, so that nothing is fetched."""

    @pytest.fixture
    def checkout(self, projects: Path) -> Path:
        folder = projects / "mmp-local-dev"
        (folder / "scripts").mkdir(parents=True)
        shutil.copy2(REPOSITORY / SCRIPT, folder)
        shutil.copy2(REPOSITORY / "scripts/install.sh", folder / "scripts")
        write(folder / "dev-contract.yml", "")
        write(folder / "src/mmp_local_dev/__init__.py", "")
        required = make_wheel(folder, "required", "required")
        digest = hashlib.sha256(required.read_bytes()).hexdigest()
        write(folder / "requirements/native.txt", f"./{required.name} --hash=sha256:{digest}\n")
        write(folder / "requirements/dev.txt", "# not used here\n")
        write(
            folder / "pyproject.toml",
            """
            [build-system]
            requires = []
            build-backend = "backend"
            backend-path = ["."]
            [project]
            name = "mmp-local-dev"
            version = "1"
            """,
        )
        built = make_wheel(folder, "mmp_local_dev", "mmp-dev")
        write(
            folder / "backend.py",
            f"""
            import shutil
            def build_editable(folder, config_settings=None, metadata_directory=None):
                shutil.copy("{built.name}", folder)
                return "{built.name}"
            """,
        )
        return folder

    def test_repairs_its_virtual_environment_whatever_happened_to_it(self, checkout: Path) -> None:
        def up(folder: Path) -> str:
            result = run(folder / SCRIPT, "--dry-run", PYTHON=sys.executable, PYTHONDONTWRITEBYTECODE="1")
            assert (result.stdout, result.returncode) == (f"{folder} ['up', '--dry-run']\n", 0), result.stderr
            return result.stderr

        assert "Installing" in up(checkout)
        [site] = (checkout / ".venv/lib").glob("*/site-packages")
        assert list(site.glob("__pycache__/required.*.pyc")), "no bytecode was compiled"
        assert up(checkout) == "", "what is installed was installed again"

        # As a kill in the middle leaves it: pip and uv believe that this package is installed.
        (site / "required-1.dist-info/INSTALLER").unlink()
        (checkout / ".venv/bin/required").unlink()
        (checkout / ".venv/.installed").write_text(f"{checkout}\n", encoding="utf-8")
        assert "anew" not in up(checkout)
        assert (checkout / ".venv/bin/required").exists()

        for python in (checkout / ".venv/bin").glob("python*"):
            python.unlink()
            python.symlink_to("/nowhere/python")
        assert "its Python is gone" in up(checkout)

        moved = checkout.rename(checkout.parent / "it's moved")
        assert "made in another folder" in up(moved)
        assert up(moved) == ""

    @pytest.mark.parametrize(
        ("flaw", "reason"),
        [
            ("sys.version_info = (3, 10, 13)", "3.10.13 is too old"),
            ("sys.modules['ensurepip'] = None", "is without venv"),
            ("sys.exit(1)", "is not there, or does not run"),
        ],
    )
    def test_says_why_a_python_does_not_serve(self, checkout: Path, flaw: str, reason: str) -> None:
        python = write(
            checkout.parent / "flawed python",
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c "import sys; {flaw}; exec(sys.argv[-1])" "$@"\n',
            mode=0o755,
        )

        result = run(checkout / SCRIPT, PYTHON=str(python))

        assert result.returncode == 3
        assert f"{python} " in result.stderr
        assert reason in result.stderr
        assert "To mend it: " in result.stderr
        assert not (checkout / ".venv").exists()

    def test_explains_itself_without_doing_anything(self, checkout: Path) -> None:
        result = run(checkout / SCRIPT, "--help")

        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.startswith(f"Usage: {SCRIPT}")
        assert "MMP_LOCAL_DEV_REPO" in result.stdout
        assert not (checkout / ".venv").exists()
