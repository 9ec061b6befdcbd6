"""The world that the generated transactions happen in: where people live, what they do, what they buy, and when.

Weights are whole numbers, so that their sums are exact; amounts are dollars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 181  # to the end of June
FIRST_WEEKDAY = 2  # a Wednesday, where Monday is 0
DAY = 86_400

# What is bought at which hour (from 0 to 23), and on which day (from Monday).
_SHOPS = (1, 1, 1, 1, 1, 2, 6, 14, 30, 44, 54, 58, 58, 54, 52, 54, 60, 66, 62, 48, 30, 14, 5, 2)
_MEALS = (3, 2, 1, 1, 1, 2, 8, 18, 22, 16, 16, 46, 72, 50, 22, 16, 24, 52, 84, 80, 50, 26, 14, 7)
_EVENING = (16, 10, 6, 3, 2, 1, 1, 2, 4, 6, 10, 14, 18, 20, 22, 24, 30, 40, 58, 74, 80, 66, 44, 28)
_ONLINE = (24, 16, 10, 6, 5, 5, 8, 14, 22, 30, 34, 36, 38, 36, 36, 38, 40, 42, 48, 58, 68, 70, 58, 40)
_COMMUTE = (3, 2, 2, 2, 5, 16, 44, 70, 60, 36, 28, 30, 34, 30, 30, 40, 62, 76, 60, 36, 22, 14, 9, 5)
_FRAUD = (96, 92, 84, 66, 40, 20, 8, 6, 8, 10, 12, 14, 15, 15, 15, 16, 18, 20, 24, 28, 34, 44, 74, 90)
_EVEN = (10, 10, 10, 10, 11, 11, 10)
_WEEKDAYS = (12, 12, 12, 12, 13, 8, 6)
_WEEKEND = (8, 8, 8, 9, 13, 19, 15)

Points = tuple[tuple[float, float], ...]  # (share of all, value), as `randomness.quantiles` takes them


class City(NamedTuple):
    """A place to live."""

    name: str
    state: str
    population: int
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Category:
    """What is bought, how often, when and for how much; and what thieves make of it. `online`: from anywhere."""

    name: str
    weight: int
    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    amounts: Points
    stolen_weight: int
    stolen_amounts: Points
    online: bool = False


def _amounts(low: float, typical: float, high: float, most: float) -> Points:
    """Half of all below `typical`, one in twenty above `high`, nothing above `most`."""
    quarter, three = low + (typical - low) * 0.55, typical + (high - typical) * 0.3
    return (0.0, low), (0.25, quarter), (0.5, typical), (0.75, three), (0.95, high), (0.995, most * 0.5), (1.0, most)


CATEGORIES = (
    Category("gas_transport", 102, _COMMUTE, _WEEKDAYS, _amounts(6, 52, 92, 150), 70, _amounts(1, 14, 58, 120)),
    Category("grocery_pos", 96, _SHOPS, _WEEKEND, _amounts(5, 64, 172, 420), 190, _amounts(40, 190, 360, 620)),
    Category("home", 92, _SHOPS, _WEEKEND, _amounts(3, 44, 150, 900), 25, _amounts(30, 160, 420, 900)),
    Category("shopping_pos", 88, _SHOPS, _WEEKEND, _amounts(2, 38, 260, 1600), 115, _amounts(40, 380, 960, 1900)),
    Category("kids_pets", 86, _SHOPS, _EVEN, _amounts(2, 40, 140, 520), 20, _amounts(5, 60, 190, 520)),
    Category(
        "shopping_net", 76, _ONLINE, _EVEN, _amounts(2, 42, 310, 2100), 230, _amounts(60, 520, 1050, 2100), online=True
    ),
    Category("entertainment", 72, _EVENING, _WEEKEND, _amounts(3, 38, 160, 720), 35, _amounts(20, 210, 560, 900)),
    Category("personal_care", 70, _SHOPS, _EVEN, _amounts(2, 30, 120, 460), 18, _amounts(4, 48, 150, 460)),
    Category("food_dining", 70, _MEALS, _WEEKEND, _amounts(3, 34, 128, 380), 22, _amounts(10, 90, 190, 380)),
    Category("health_fitness", 66, _SHOPS, _WEEKDAYS, _amounts(2, 36, 140, 600), 14, _amounts(4, 50, 160, 600)),
    Category("misc_pos", 62, _SHOPS, _EVEN, _amounts(1, 28, 180, 1100), 30, _amounts(4, 120, 460, 1100)),
    Category(
        "misc_net", 50, _ONLINE, _EVEN, _amounts(1, 36, 240, 1400), 150, _amounts(30, 430, 890, 1500), online=True
    ),
    Category("grocery_net", 36, _ONLINE, _EVEN, _amounts(4, 48, 130, 300), 16, _amounts(4, 60, 170, 300), online=True),
    Category("travel", 34, _ONLINE, _WEEKEND, _amounts(4, 60, 560, 3200), 40, _amounts(10, 260, 1300, 3200)),
)
STOLEN_HOURS = _FRAUD

# How much more than others people of a kind buy in each category, in percent; what is not named: 100.
LIFESTYLES: tuple[tuple[int, dict[str, int]], ...] = (
    (30, {}),
    (22, {"kids_pets": 240, "grocery_pos": 160, "home": 130, "entertainment": 60, "travel": 50}),
    (16, {"gas_transport": 230, "food_dining": 140, "home": 60}),
    (14, {"shopping_net": 230, "misc_net": 200, "grocery_net": 260, "shopping_pos": 60, "grocery_pos": 60}),
    (10, {"travel": 520, "entertainment": 170, "food_dining": 190, "kids_pets": 30, "home": 50}),
    (8, {"health_fitness": 260, "personal_care": 240, "grocery_pos": 120, "gas_transport": 60}),
)

ACTIVITY: Points = ((0, 120), (0.1, 300), (0.3, 560), (0.5, 820), (0.7, 1150), (0.9, 2000), (0.98, 3600), (1, 5200))
SPENDING: Points = ((0, 0.4), (0.1, 0.62), (0.5, 0.95), (0.8, 1.25), (0.95, 1.8), (1, 3.0))
AGES: Points = ((0, 18), (0.1, 23), (0.3, 32), (0.5, 43), (0.7, 55), (0.9, 71), (0.99, 87), (1, 95))
# Degrees from home, in either direction, and seconds by which somebody is earlier or later than others.
AROUND: Points = ((0, -0.95), (0.04, -0.45), (0.2, -0.14), (0.5, 0), (0.8, 0.14), (0.96, 0.45), (1, 0.95))
HABIT: Points = ((0, -12_000), (0.1, -5_400), (0.5, 0), (0.9, 6_300), (1, 16_000))

JOBS = (
    "Accountant",
    "Actuary",
    "Administrator, local government",
    "Architect",
    "Art therapist",
    "Audiologist",
    "Barista",
    "Barrister",
    "Bookseller",
    "Buyer, retail",
    "Carpenter",
    "Cashier",
    "Chef",
    "Chemical engineer",
    "Civil engineer, contracting",
    "Clinical psychologist",
    "Copywriter, advertising",
    "Counsellor",
    "Dentist",
    "Designer, textile",
    "Economist",
    "Electrician",
    "Environmental consultant",
    "Exhibition designer",
    "Farm manager",
    "Film/video editor",
    "Firefighter",
    "Forensic scientist",
    "Freight forwarder",
    "Geoscientist",
    "Hotel manager",
    "Insurance broker",
    "Journalist, newspaper",
    "Librarian, public",
    "Lorry driver",
    "Mechanical engineer",
    "Midwife",
    "Naval architect",
    "Nurse, children's",
    "Occupational therapist",
    "Paramedic",
    "Pharmacist, hospital",
    "Physiotherapist",
    "Pilot, airline",
    "Plumber",
    "Police officer",
    "Product manager",
    "Quantity surveyor",
    "Retired",
    "Sales executive",
    "Scientist, research",
    "Secondary school teacher",
    "Social worker",
    "Software engineer",
    "Solicitor",
    "Special effects artist",
    "Student",
    "Surveyor, land",
    "Systems analyst",
    "Tax inspector",
    "Translator",
    "Veterinary surgeon",
    "Waiter",
    "Water engineer",
)

CITIES = (
    City("New York", "NY", 8_258_035, 40.7128, -74.0060),
    City("Los Angeles", "CA", 3_820_914, 34.0522, -118.2437),
    City("Chicago", "IL", 2_664_452, 41.8781, -87.6298),
    City("Houston", "TX", 2_314_157, 29.7604, -95.3698),
    City("Phoenix", "AZ", 1_650_070, 33.4484, -112.0740),
    City("Philadelphia", "PA", 1_550_542, 39.9526, -75.1652),
    City("San Antonio", "TX", 1_495_295, 29.4241, -98.4936),
    City("San Diego", "CA", 1_388_320, 32.7157, -117.1611),
    City("Dallas", "TX", 1_302_868, 32.7767, -96.7970),
    City("Jacksonville", "FL", 985_843, 30.3322, -81.6557),
    City("Columbus", "OH", 913_175, 39.9612, -82.9988),
    City("Charlotte", "NC", 911_311, 35.2271, -80.8431),
    City("Indianapolis", "IN", 879_293, 39.7684, -86.1581),
    City("San Francisco", "CA", 808_988, 37.7749, -122.4194),
    City("Seattle", "WA", 755_078, 47.6062, -122.3321),
    City("Denver", "CO", 716_577, 39.7392, -104.9903),
    City("Oklahoma City", "OK", 702_767, 35.4676, -97.5164),
    City("Nashville", "TN", 687_788, 36.1627, -86.7816),
    City("Boston", "MA", 653_833, 42.3601, -71.0589),
    City("Portland", "OR", 630_498, 45.5152, -122.6784),
    City("Detroit", "MI", 633_218, 42.3314, -83.0458),
    City("Memphis", "TN", 618_639, 35.1495, -90.0490),
    City("Baltimore", "MD", 565_239, 39.2904, -76.6122),
    City("Milwaukee", "WI", 561_385, 43.0389, -87.9065),
    City("Albuquerque", "NM", 560_274, 35.0844, -106.6504),
    City("Kansas City", "MO", 510_704, 39.0997, -94.5786),
    City("Atlanta", "GA", 510_823, 33.7490, -84.3880),
    City("Omaha", "NE", 483_335, 41.2565, -95.9345),
    City("Raleigh", "NC", 482_295, 35.7796, -78.6382),
    City("Minneapolis", "MN", 425_115, 44.9778, -93.2650),
    City("New Orleans", "LA", 364_136, 29.9511, -90.0715),
    City("Honolulu", "HI", 341_778, 21.3069, -157.8583),
    City("Anchorage", "AK", 286_075, 61.2181, -149.9003),
    City("Pittsburgh", "PA", 303_255, 40.4406, -79.9959),
    City("Cincinnati", "OH", 311_097, 39.1031, -84.5120),
    City("Boise", "ID", 235_421, 43.6150, -116.2023),
    City("Richmond", "VA", 229_247, 37.5407, -77.4360),
    City("Spokane", "WA", 229_447, 47.6588, -117.4260),
    City("Des Moines", "IA", 210_381, 41.5868, -93.6250),
    City("Salt Lake City", "UT", 209_593, 40.7608, -111.8910),
    City("Little Rock", "AR", 203_842, 34.7465, -92.2896),
    City("Sioux Falls", "SD", 206_410, 43.5446, -96.7311),
    City("Knoxville", "TN", 198_162, 35.9606, -83.9207),
    City("Providence", "RI", 190_792, 41.8240, -71.4128),
    City("Fargo", "ND", 133_188, 46.8772, -96.7898),
    City("Billings", "MT", 120_864, 45.7833, -108.5007),
    City("Manchester", "NH", 115_415, 42.9956, -71.4548),
    City("Charleston", "SC", 155_369, 32.7765, -79.9311),
    City("Jackson", "MS", 143_709, 32.2988, -90.1848),
    City("Topeka", "KS", 125_475, 39.0473, -95.6752),
    City("Burlington", "VT", 44_649, 44.4759, -73.2121),
    City("Portland", "ME", 69_104, 43.6591, -70.2568),
    City("Cheyenne", "WY", 64_795, 41.1400, -104.8202),
    City("Bozeman", "MT", 57_305, 45.6770, -111.0429),
    City("Flagstaff", "AZ", 76_177, 35.1983, -111.6513),
    City("Ithaca", "NY", 31_710, 42.4430, -76.5019),
    City("Marfa", "TX", 1_650, 30.3095, -104.0206),
    City("Moravian Falls", "NC", 1_865, 36.0965, -81.1816),
    City("Orient", "WA", 149, 48.8670, -118.2061),
    City("Malad City", "ID", 2_299, 42.1916, -112.2497),
    City("Cross Plains", "TX", 899, 32.1265, -99.1645),
    City("Kittanning", "PA", 3_892, 40.8165, -79.5217),
    City("Lincolnville", "ME", 2_312, 44.2812, -69.0081),
    City("Truckee", "CA", 16_942, 39.3280, -120.1833),
)
