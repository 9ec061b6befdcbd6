"""A file as Kaggle's fraudTrain.csv is laid out, of a few people whose lives change: a look-alike, made here."""

from __future__ import annotations

import csv
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

HEADER = (
    *(
        "",
        "trans_date_trans_time",
        "cc_num",
        "merchant",
        "category",
        "amt",
        "first",
        "last",
        "gender",
        "street",
        "city",
    ),
    *("state", "zip", "lat", "long", "city_pop", "job", "dob", "trans_num", "unix_time", "merch_lat", "merch_long"),
    "is_fraud",
)
_START = datetime(2019, 1, 1, 0, 0, 18)  # the file names no zone
_MERCHANTS = (
    '"fraud_Rippin, Kub and Mann"',
    "fraud_Heller, Gutmann and Zieme",
    "fraud_Lind-Buckridge",
    "fraud_Kutch, Hermiston and Farrell",
    "fraud_O'Keefe-Wisoky",
)
_CATEGORIES = ("misc_net", "grocery_pos", "entertainment", "gas_transport")
_PLACES = (
    ("Moravian Falls", "NC", "28654", "36.0788", "-81.1781", "3495"),
    ("Orient", "WA", "99160", "48.8878", "-118.2105", "149"),
    ("Malad City", "ID", "83252", "42.1808", "-112.262", "4154"),
)
_JOBS = ("Psychologist, counselling", "Special educational needs teacher", "Nature conservation officer")
_BORN = (date(1988, 3, 9), date(1996, 2, 29), date(1967, 1, 1), date(1986, 3, 28))


def lines(count: int, *, seed: int = 1) -> list[list[str]]:
    """So many lines without the header, in the order of time but for every seventh; several in one second, too."""
    chance = random.Random(seed)  # noqa: S311
    moment, found = _START, []
    for number in range(count):
        moment += timedelta(seconds=chance.choice((0, 1, 1, 59, 4000, 90_000, 400_000)))
        person = chance.randrange(len(_BORN))
        late = (moment - _START).days
        place = _PLACES[(person + late // 70) % 3]  # people move, and come back
        found.append(
            [
                str(number),
                f"{moment:%Y-%m-%d %H:%M:%S}",
                str(2703186189652095 + person),
                chance.choice(_MERCHANTS).strip('"'),
                chance.choice(_CATEGORIES),
                f"{chance.choice((1, 4.97, 107.23, 220.11, 28948.9, chance.randrange(100, 90_000) / 100)):.2f}",
                *("Jennifer", "Banks", "FM"[person % 2], "561 Perry Cove", *place[:5], place[5]),
                _JOBS[(person + late // 100) % 3],
                f"{_BORN[person]}",
                f"{chance.getrandbits(128):032x}",
                f"{int(moment.replace(tzinfo=UTC).timestamp()) - 220_924_800}",  # seven years off, as in the file
                f"{float(place[3]) + chance.uniform(-1, 1):.6f}",
                f"{float(place[4]) + chance.uniform(-1, 1):.6f}",
                "1" if chance.random() < 0.05 else "0",
            ]
        )
    for place_, _ in enumerate(found[:-7:7]):
        found[place_ * 7], found[place_ * 7 + 3] = found[place_ * 7 + 3], found[place_ * 7]
    return found


def write(path: Path, rows: list[list[str]], header: tuple[str, ...] = HEADER) -> Path:
    """The file, as its publisher's program writes it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path
