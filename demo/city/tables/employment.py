"""Employment: who employs whom, who seeks work, and who seeks hands."""

from __future__ import annotations

from datetime import date, timedelta

from demo.city.chance import Draw
from demo.city.journal import entered_on
from demo.city.register import sound
from demo.city.residents import City
from demo.city.table import Defect, Row, Shape
from demo.city.tables.common import INDUSTRIES, credit_code, day_from, mistyped, money, public_place
from demo.city.written import as_written

_NAMES = ("云岭", "滇池", "春城", "金马", "碧鸡", "翠湖", "西山", "长虹", "彩云", "高原")
_TRADES = ("贸易", "建筑", "食品", "医药", "物流", "信息技术", "旅游", "花卉", "机械", "教育")
_JOBS = ("clerk", "driver", "cook", "engineer", "sales", "nurse", "guard", "teacher", "welder")


def employer_count(city: City) -> int:
    """Registered employers; every dataset that names an organisation names one of them."""
    return max(80, city.residents // 25)


def employer_id(number: int) -> str:
    """Id of the employer of that number."""
    return f"E{number:07d}"


def employer_name(seed: int, number: int) -> str:
    """Its registered name."""
    chance = Draw(seed, "employer name", number)
    return f"昆明{chance.one_of(_NAMES)}{chance.one_of(_TRADES)}第{number}有限公司"


def employer_code(city: City, number: int) -> str:
    """Its credit code."""
    return credit_code(city.seed, "91", number)


def employer_industry(seed: int, number: int) -> str:
    """Its section of GB/T 4754."""
    return Draw(seed, "employer industry", number).one_of(INDUSTRIES)


RENAMED, MOVED = 0, 1
"""What a change means to an employer, by its number modulo 3; of the others the trade changes."""


def _employer(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "employer", index)
    name, industry = employer_name(city.seed, index), employer_industry(city.seed, index)
    seat = "employer"
    if changes:
        change = index % 3
        if change == RENAMED:
            name = name.replace("有限公司", "集团有限公司")
        elif change == MOVED:
            seat = "employer moved"
        else:
            industry = INDUSTRIES[(INDUSTRIES.index(industry) + 1) % len(INDUSTRIES)]
    spot = public_place(city.seed, seat, index)
    return (
        employer_id(index),
        employer_code(city, index),
        name,
        industry,
        spot.district.code,
        spot.address,
        chance.between(1, 400),
        day_from(date(1988, 1, 1), chance.below(9800)),
    )


EMPLOYERS = Shape(
    id="employment.employers",
    columns=(
        "employer_id", "credit_code", "name", "industry_section", "district_code", "address",
        "employees", "registered_on",
    ),
    key=("employer_id",),
    make=_employer,
    count=employer_count,
    defects=(
        Defect("code:industry_section", "industry_section", "Z"),
        Defect("range:employees", "employees", -1),
        Defect("check_digit:credit_code", "credit_code", mistyped),
    ),
)  # fmt: skip


def _contract_count(city: City) -> int:
    return max(200, city.adults // 2)


def _employee(city: City, index: int) -> int:
    return city.adult(index * 3 % city.adults)


def _contract(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "contract", index)
    person = as_written(city, "employment.contracts", index, city.resident(_employee(city, index)))
    day = entered_on(_contract_count(city), index)
    return (
        f"K{index:08d}",
        person.citizen_id,
        person.name,
        employer_id(chance.below(sound(employer_count(city)))),
        chance.one_of(_JOBS),
        money(chance.between(180_000, 2_500_000) + 10_000 * changes),
        day - timedelta(days=chance.between(0, 5)),
        None,
    )


CONTRACTS = Shape(
    id="employment.contracts",
    columns=(
        "contract_id", "citizen_id", "employee_name", "employer_id", "occupation",
        "monthly_wage_amount", "started_on", "updated_at",
    ),
    key=("contract_id",),
    make=_contract,
    count=_contract_count,
    hidden=("employee_name",),
    defects=(
        Defect("reference:employer_id", "employer_id", "E9999999"),
        Defect("range:monthly_wage_amount", "monthly_wage_amount", lambda wage: -wage),
        Defect("type:started_on", "started_on", "2015-06-31"),
        Defect("form:citizen_id", "citizen_id", "see passport"),
        Defect("required:occupation", "occupation", None),
    ),
    who=_employee,
    label="K{:08d}",
)  # fmt: skip


def _vacancy(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "vacancy", index)
    low = chance.between(180_000, 900_000)
    posted = day_from(date(2015, 10, 1), chance.below(90))
    return (
        f"J{index:07d}",
        employer_id(chance.below(sound(employer_count(city)))),
        chance.one_of(_JOBS),
        chance.between(1, 9) + changes,
        money(low),
        money(low + chance.between(10_000, 400_000)),
        posted,
        posted + timedelta(days=chance.between(30, 120)),
    )


VACANCIES = Shape(
    id="employment.vacancies",
    columns=(
        "vacancy_id", "employer_id", "occupation", "openings", "wage_min_amount",
        "wage_max_amount", "posted_on", "closes_on",
    ),
    key=("vacancy_id",),
    make=_vacancy,
    count=lambda city: max(120, city.residents // 40),
    defects=(
        Defect("range:openings", "openings", 0),
        Defect("wage_max_over_min", "wage_max_amount", 1),
        Defect("reference:employer_id", "employer_id", "E9999999"),
    ),
)  # fmt: skip


def _seeker_count(city: City) -> int:
    return max(200, city.adults // 8)


def _seeker(city: City, index: int) -> int:
    return city.adult((index * 5 + 1) % city.adults)


def _job_seeker(city: City, index: int, changes: int) -> Row:
    chance = Draw(city.seed, "seeker", index)
    person = as_written(
        city,
        "employment.job_seekers",
        index,
        city.resident(_seeker(city, index)),
        lacking_percent=8,
    )
    return (
        f"S{index:08d}",
        person.citizen_id,
        person.name,
        person.sex,
        person.born,
        person.phone,
        person.address,
        chance.one_of(_JOBS),
        "placed" if changes else chance.one_of(("seeking", "seeking", "in training")),
        entered_on(_seeker_count(city), index),
        None,
    )


JOB_SEEKERS = Shape(
    id="employment.job_seekers",
    columns=(
        "seeker_id", "citizen_id", "person_name", "sex", "birth_date", "phone", "address",
        "occupation", "state", "registered_on", "updated_at",
    ),
    key=("seeker_id",),
    make=_job_seeker,
    count=_seeker_count,
    hidden=("person_name", "phone", "address"),
    defects=(
        Defect("enum:state", "state", "lost"),
        Defect("code:sex", "sex", "?"),
        Defect("type:registered_on", "registered_on", "yesterday"),
    ),
    who=_seeker,
    label="S{:08d}",
)  # fmt: skip
