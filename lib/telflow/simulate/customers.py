"""Who the synthetic customers are and what becomes of them: pure functions of the seed and the customer's number.

Churn: each week a subscribed customer leaves with the probability ``1 / (1 + exp(-logit))`` where

    logit = BASE + COMPLAINT · complaints of the four weeks before + FALL · fall + contract + tenure

and ``fall`` is how far the customer's own decline had come at the week's start, in natural log units (1 is a fall to
37 %). Falling customers complain more, so complaints and falling use come together before a churn.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from telflow.settings import SimulateSettings
from telflow.simulate.catalogue import (
    ACTIVITIES,
    CONTRACTS,
    DNS,
    PAYMENTS,
    PLANS,
    REGIONS,
    SEGMENTS,
    fixed_sizes,
    relative_sizes,
)
from telflow.simulate.draws import Booleans, Floats, Integers, choice, integer, normal, uniform

NEVER = 1 << 30

# how the use of the plan goes: (name, weight, utilisation at the start from, to)
FITS = (
    ("steady", 0.46, 0.30, 0.65),
    ("outgrowing", 0.16, 0.40, 0.65),
    ("too small", 0.07, 1.10, 1.60),
    ("too large", 0.10, 0.06, 0.18),
    ("falling", 0.14, 0.55, 1.05),
    ("bump", 0.07, 0.60, 0.85),
)
FIT_NAMES = tuple(fit[0] for fit in FITS)
UTILISATION_LIMIT = 0.9  # above this part of its volume a plan is too small
OUTGROWN_UTILISATION = (1.15, 1.70)  # where the outgrowing arrive, of the plan's volume
GROWTH_WEEKS = (6.0, 10.0)  # shortest and longest time a trend takes; then it is flat again
MINOR_TREND_SHARE = 0.12  # of the customers that do not outgrow: one activity of theirs rises or falls
MINOR_TREND_SLOPE = (0.08, 0.20)
DECLINE_PER_WEEK = (0.25, 0.60)
DEEPEST_FALL = 2.2
BUMP_DAYS, BUMP_FACTOR = 8, 2.5
GAP_SHARE, GAP_DAYS = 0.06, (4, 13)  # holidays: nothing at all
JOINER_SHARE = 0.08

HAZARD_BASE = -5.7
HAZARD_COMPLAINT = 1.3
HAZARD_FALL = 2.7
HAZARD_CONTRACT = {"month-to-month": 0.0, "one-year": -1.1, "two-year": -2.0}
HAZARD_NEW, NEW_DAYS = 0.7, 180
HAZARD_LOYAL, LOYAL_DAYS = -0.5, 1080
COMPLAINT_WEEKS = 4
COMPLAINTS_PER_WEEK, COMPLAINTS_OF_PRONE, PRONE_SHARE = 0.012, 0.10, 0.10
COMPLAINTS_OF_FALLING, FALL_FELT = 0.12, 0.3
IPV6_SHARE = 0.35


@dataclass(frozen=True)
class Customers:
    """Customers ``first`` to ``first + n - 1``; an array per attribute, days counted from the first local day.

    Attributes:
        number: number of each customer in the whole population.
        segment: position in SEGMENTS.
        fit: position in FITS.
        plan: position in PLANS.
        signup_day: first day of the subscription; negative before the simulation.
        flows_per_day: mean flows a day while nothing trends.
        gigabytes: mean volume of 30 days while nothing trends.
        scale: mean bytes of a flow of relative size 1.
        mix: share of the flows by activity, (n, activities).
        slope: trend of each activity in natural log units a week, (n, activities).
        growth_day: first day of the trends; they last ``growth_weeks``.
        decline_day: first day of the customer's decline, NEVER where there is none.
        decline: log units a week.
        bump_day, gap_day, gap_days: passing bump, and days of silence.
        complaints: complaints by week, 0 or 1, as they would come while subscribed, (n, weeks).
        hazard: probability to leave in the week, given still subscribed at its start, (n, weeks).
        fall: fall at the week's start, log units, (n, weeks).
        churn_day: last day of the subscription, NEVER where it goes on.
    """

    settings: SimulateSettings
    number: Integers
    segment: Integers
    fit: Integers
    plan: Integers
    region: Integers
    contract: Integers
    payment: Integers
    consents: Booleans
    has_ipv6: Booleans
    devices: Integers
    signup_day: Integers
    flows_per_day: Floats
    gigabytes: Floats
    scale: Floats
    mix: Floats
    slope: Floats
    growth_day: Floats
    growth_weeks: float
    decline_day: Integers
    decline: Floats
    bump_day: Integers
    gap_day: Integers
    gap_days: Integers
    complaints: Integers
    hazard: Floats
    fall: Floats
    churn_day: Integers

    def __len__(self) -> int:
        return len(self.number)

    @cached_property
    def active_share(self) -> Floats:
        """Part of the (weekdays, weekend days) with any activity, (n, 2)."""
        shares = np.array([(segment.active_share, segment.weekend_active_share) for segment in SEGMENTS])
        return np.asarray(shares[self.segment])

    def is_subscribed(self, day: int) -> Booleans:
        """Whether each is a customer on ``day``."""
        return np.asarray((self.signup_day <= day) & (day <= self.churn_day))

    def level(self, day: int) -> Floats:
        """Planted level of use on ``day`` over the normal one: decline, bump and gap; 0 when not subscribed."""
        bump = np.where((self.bump_day <= day) & (day < self.bump_day + BUMP_DAYS), BUMP_FACTOR, 1.0)
        gap = (self.gap_day <= day) & (day < self.gap_day + self.gap_days)
        level = np.exp(-fall_at(day, self.decline_day, self.decline)) * bump
        return np.asarray(np.where(self.is_subscribed(day) & ~gap, level, 0.0))

    def trend(self, day: int) -> Floats:
        """What the trends make of each activity by ``day``, as a factor, (n, activities)."""
        weeks = np.clip((day - self.growth_day) / 7.0, 0.0, self.growth_weeks)
        return np.asarray(np.exp(self.slope * weeks[:, None]))

    def flow_rates(self, day: int) -> Floats:
        """Expected flows by activity on ``day``, the week's rhythm taken out, (n, activities)."""
        return np.asarray(self.mix * self.trend(day) * (self.flows_per_day * self.level(day))[:, None])

    def expected_bytes(self, day: int) -> Floats:
        """Expected bytes of ``day``, the week's rhythm taken out."""
        return np.asarray((self.flow_rates(day) * self.flow_bytes()).sum(axis=1))

    def monthly_bytes(self, day: int) -> Floats:
        """Expected bytes of 30 days like ``day``, bumps, gaps and the end of the subscription taken out."""
        lasting = np.exp(-fall_at(day, self.decline_day, self.decline)) * self.flows_per_day * 30
        return np.asarray((self.mix * self.trend(day) * self.flow_bytes()).sum(axis=1) * lasting)

    def flow_bytes(self) -> Floats:
        """Mean bytes of a flow by activity, (n, activities)."""
        return np.asarray(self.scale[:, None] * relative_sizes() + fixed_sizes())

    def is_active(self, day: int, weekday: int) -> Booleans:
        """Whether each does anything on ``day``, a coin of its own every day (weekday: 0 Monday to 6 Sunday)."""
        share = self.active_share[:, int(weekday >= 5)]
        return np.asarray(uniform(self.settings.seed, "active", self.number, day) < share)


def make_customers(settings: SimulateSettings, first: int, last: int) -> Customers:
    """Customers number ``first`` to ``last`` - 1 of the population that ``settings`` describe."""
    seed, days = settings.seed, settings.days
    number = np.arange(first, last, dtype=np.int64)
    segment = choice(seed, "segment", [entry.weight for entry in SEGMENTS], number)
    fit = choice(seed, "fit", [entry[1] for entry in FITS], number)
    mix = draw_mix(seed, number, segment)
    plan, gigabytes, utilisation = draw_plan(seed, number, segment, fit)
    flows_per_day = draw_flows_per_day(settings, number, segment)
    bytes_per_flow = gigabytes * 1e9 / 30 / flows_per_day
    scale = np.maximum(bytes_per_flow - mix @ fixed_sizes(), 100.0) / (mix @ relative_sizes())
    growth_weeks = float(np.clip(days / 7, *GROWTH_WEEKS))
    spare_days = max(days - growth_weeks * 7, 0.0)
    outgrows = fit == FIT_NAMES.index("outgrowing")
    slope = draw_slopes(seed, number, outgrows, mix=mix, utilisation=utilisation, growth_weeks=growth_weeks)
    is_falling = fit == FIT_NAMES.index("falling")
    decline_day = np.where(is_falling, integer(seed, "decline day", 0, max(days * 3 // 4, 1), number), NEVER)
    decline = between(DECLINE_PER_WEEK, uniform(seed, "decline", number))
    contract = choice(seed, "contract", list(CONTRACTS.values()), number)
    signup_day = draw_signup(seed, number, days)
    fall = weekly_fall(days, decline_day, decline)
    complaints = draw_complaints(seed, number, fall, signup_day)
    hazard = weekly_hazard(complaints, fall, contract, signup_day)
    return Customers(
        settings=settings,
        number=number,
        segment=segment,
        fit=fit,
        plan=plan,
        region=choice(seed, "region", list(REGIONS.values()), number),
        contract=contract,
        payment=choice(seed, "payment", list(PAYMENTS.values()), number),
        consents=uniform(seed, "consent", number) < 0.7,
        has_ipv6=uniform(seed, "ipv6", number) < IPV6_SHARE,
        devices=1 + choice(seed, "devices", [0.45, 0.35, 0.20], number),
        signup_day=signup_day,
        flows_per_day=flows_per_day,
        gigabytes=gigabytes,
        scale=scale,
        mix=mix,
        slope=slope,
        growth_day=spare_days * uniform(seed, "growth day", number),
        growth_weeks=growth_weeks,
        decline_day=decline_day,
        decline=decline,
        bump_day=np.where(fit == FIT_NAMES.index("bump"), integer(seed, "bump", 0, days, number), NEVER),
        gap_day=np.where(uniform(seed, "gap", number) < GAP_SHARE, integer(seed, "gap day", 0, days, number), NEVER),
        gap_days=integer(seed, "gap days", *GAP_DAYS, number),
        complaints=complaints,
        hazard=hazard,
        fall=fall,
        churn_day=draw_churn(seed, number, hazard, signup_day, days),
    )


def between(limits: tuple[float, float], share: Floats) -> Floats:
    """``share`` (0 to 1) of the way from the first limit to the second."""
    return limits[0] + (limits[1] - limits[0]) * share


def draw_mix(seed: int, number: Integers, segment: Integers) -> Floats:
    """Each customer's own shares of flows by activity, around the segment's."""
    noise = normal(seed, "mix", number[:, None], np.arange(len(ACTIVITIES))[None, :])
    mix = np.array([entry.mix for entry in SEGMENTS])[segment] * np.exp(0.6 * noise)
    return np.asarray(mix / mix.sum(axis=1, keepdims=True))


def draw_plan(seed: int, number: Integers, segment: Integers, fit: Integers) -> tuple[Integers, Floats, Floats]:
    """Plan, volume in 30 days (10^9 bytes) and the utilisation they make, at the start."""
    limits = np.array([entry[2:] for entry in FITS])[fit]
    utilisation = limits[:, 0] + (limits[:, 1] - limits[:, 0]) * uniform(seed, "utilisation", number)
    wanted = np.array([entry.monthly_gigabytes for entry in SEGMENTS])[segment] * np.exp(
        0.45 * normal(seed, "volume", number)
    )
    volumes = np.array([entry.volume_gigabytes for entry in PLANS])
    plan = np.abs(np.log((wanted / utilisation)[:, None] / volumes)).argmin(axis=1)
    can_grow = np.isin(fit, [FIT_NAMES.index("outgrowing"), FIT_NAMES.index("too small")])
    can_shrink = fit == FIT_NAMES.index("too large")
    plan = np.where(can_grow, np.minimum(plan, len(PLANS) - 2), plan)
    plan = np.where(can_shrink, np.maximum(plan, 1), plan).astype(np.int64)
    return plan, utilisation * volumes[plan], utilisation


def draw_flows_per_day(settings: SimulateSettings, number: Integers, segment: Integers) -> Floats:
    """Mean flows a day; over the population they average to the setting."""
    spread = 0.35
    relative = np.array([entry.flows for entry in SEGMENTS])
    weights = np.array([entry.weight for entry in SEGMENTS])
    mean = relative @ weights * np.exp(spread**2 / 2)
    own = relative[segment] * np.exp(spread * normal(settings.seed, "flows", number))
    return np.asarray(settings.flows_per_customer_day * own / mean)


def draw_slopes(
    seed: int, number: Integers, outgrows: Booleans, *, mix: Floats, utilisation: Floats, growth_weeks: float
) -> Floats:
    """Trend of each activity, log units a week: the outgrowing rise in what they use most, a few others in anything."""
    rows = np.arange(len(number))
    shares = mix * relative_sizes()
    shares = shares / shares.sum(axis=1, keepdims=True)
    slopes = np.zeros_like(mix)
    has_minor = ~outgrows & (uniform(seed, "minor trend", number) < MINOR_TREND_SHARE)
    activity = choice(seed, "minor activity", [0.0 if name == DNS else 1.0 for name in range(mix.shape[1])], number)
    size = between(MINOR_TREND_SLOPE, uniform(seed, "minor slope", number))
    sign = np.where(uniform(seed, "minor sign", number) < 0.5, 1.0, -1.0)
    slopes[rows, activity] = np.where(has_minor, size * sign, 0.0)
    main = shares.argmax(axis=1)
    main_share = shares[rows, main]
    growth = between(OUTGROWN_UTILISATION, uniform(seed, "outgrown", number)) / utilisation
    main_growth = np.maximum((growth - (1 - main_share)) / main_share, 1.0)
    slopes[rows[outgrows], main[outgrows]] = np.log(main_growth[outgrows]) / growth_weeks
    return slopes


def draw_signup(seed: int, number: Integers, days: int) -> Integers:
    """Day of signing up: most long before, a few while the simulation runs."""
    before = -30 - np.minimum(-800 * np.log1p(-uniform(seed, "tenure", number)), 4000).astype(np.int64)
    during = integer(seed, "joined", 1, max(days * 4 // 5, 2), number)
    return np.asarray(np.where(uniform(seed, "joiner", number) < JOINER_SHARE, during, before))


def fall_at(day: int, decline_day: Integers, decline: Floats) -> Floats:
    """How far the decline has come on ``day``, natural log units."""
    return np.asarray(np.clip((day - decline_day) / 7.0 * decline, 0.0, DEEPEST_FALL))


def weekly_fall(days: int, decline_day: Integers, decline: Floats) -> Floats:
    """Fall at the start of each week."""
    return np.stack([fall_at(week * 7, decline_day, decline) for week in range(-(-days // 7))], axis=1)


def complaint_days(seed: int, number: Integers, weeks: int) -> Integers:
    """Day on which a complaint of each week would come, (n, weeks)."""
    week = np.arange(weeks)[None, :]
    return np.asarray(week * 7 + integer(seed, "complaint day", 0, 7, number[:, None], week))


def draw_complaints(seed: int, number: Integers, fall: Floats, signup_day: Integers) -> Integers:
    """0 or 1 complaint by week since signing up; the falling and a prone few complain more."""
    prone = uniform(seed, "prone", number) < PRONE_SHARE
    rate = COMPLAINTS_PER_WEEK + COMPLAINTS_OF_PRONE * prone[:, None] + COMPLAINTS_OF_FALLING * (fall > FALL_FELT)
    drawn = uniform(seed, "complaint", number[:, None], np.arange(fall.shape[1])[None, :])
    has_joined = complaint_days(seed, number, fall.shape[1]) >= signup_day[:, None]
    return ((drawn < 1 - np.exp(-rate)) & has_joined).astype(np.int64)


def recent_complaints(complaints: Integers) -> Integers:
    """Complaints of the COMPLAINT_WEEKS before each week."""
    weeks = np.arange(complaints.shape[1])
    up_to = np.pad(np.cumsum(complaints, axis=1), ((0, 0), (1, 0)))
    return np.asarray(up_to[:, weeks] - up_to[:, np.maximum(weeks - COMPLAINT_WEEKS, 0)])


def weekly_hazard(complaints: Integers, fall: Floats, contract: Integers, signup_day: Integers) -> Floats:
    """Probability to leave in each week, given still subscribed; 0 before the first whole week of the subscription."""
    weeks = np.arange(fall.shape[1])
    recent = recent_complaints(complaints)
    tenure = weeks[None, :] * 7 - signup_day[:, None]
    logit = (
        HAZARD_BASE
        + HAZARD_COMPLAINT * recent
        + HAZARD_FALL * fall
        + np.array(list(HAZARD_CONTRACT.values()))[contract][:, None]
        + np.where(tenure < NEW_DAYS, HAZARD_NEW, 0.0)
        + np.where(tenure > LOYAL_DAYS, HAZARD_LOYAL, 0.0)
    )
    return np.asarray(np.where(tenure >= 0, 1 / (1 + np.exp(-logit)), 0.0))


def draw_churn(seed: int, number: Integers, hazard: Floats, signup_day: Integers, days: int) -> Integers:
    """Last day of the subscription, NEVER where it outlasts the simulation."""
    weeks = np.arange(hazard.shape[1])
    leaves = uniform(seed, "churn", number[:, None], weeks[None, :]) < hazard
    week = leaves.argmax(axis=1)
    day = np.maximum(week * 7 + integer(seed, "churn day", 0, 7, number), signup_day)
    return np.asarray(np.where(leaves.any(axis=1) & (day < days), day, NEVER))
