"""Names come from the profile alone."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from telflow.segments.names import STANDS_OUT, segment_name, segment_names

JUST, NOT_QUITE = STANDS_OUT, STANDS_OUT - 1e-9
PROFILES = st.lists(
    st.dictionaries(
        st.sampled_from(["bytes_per_day", "share_web", "share_gaming", "night_share", "weekend_share", "up_share"]),
        st.floats(-3, 3),
    ),
    min_size=1,
    max_size=8,
)


def test_a_name_says_how_much_what_and_when() -> None:
    gamer = {"bytes_per_day": 0.8, "share_web": 0.6, "share_gaming": 2.0, "evening_share": 0.9, "weekend_share": 0.7}
    worker = {"bytes_per_day": 0.1, "share_vpn_tunnelling": 1.9, "afternoon_share": 1.2, "weekend_share": -1.4}
    assert segment_name(gamer) == "heavy gaming in the evening"
    assert segment_name(worker) == "vpn tunnelling on weekdays"


def test_what_does_not_stand_out_is_not_said() -> None:
    assert segment_name({"bytes_per_day": -NOT_QUITE, "share_web": NOT_QUITE, "night_share": NOT_QUITE}) == "mixed use"
    assert segment_name({"bytes_per_day": -JUST, "share_web": JUST, "night_share": JUST}) == "light web at night"
    assert segment_name({}) == "mixed use"


def test_alike_profiles_are_told_apart() -> None:
    alike = {"share_web": 1.0}
    assert segment_names([{**alike, "up_share": 2.0}, {**alike, "up_share": -2.0}]) == (
        "web, sending",
        "web, receiving",
    )
    assert segment_names([alike, alike, alike]) == ("web", "web 2", "web 3")


def test_repeated_names_hang_on_the_profiles_and_not_on_their_order() -> None:
    light, heavy = {"bytes_per_day": 0.1, "share_web": 1.0}, {"bytes_per_day": 0.3, "share_web": 1.0}
    assert segment_names([light, heavy]) == ("web", "web 2")
    assert segment_names([heavy, light]) == ("web 2", "web")


@given(PROFILES, st.randoms(use_true_random=False))
def test_no_two_names_are_alike_and_order_says_nothing(profiles: list[dict[str, float]], draws: Random) -> None:
    names = segment_names(profiles)
    assert len(set(names)) == len(profiles)
    turned = draws.sample(profiles, len(profiles))
    assert by_profile(turned, segment_names(turned)) == by_profile(profiles, names)


def by_profile(profiles: list[dict[str, float]], names: tuple[str, ...]) -> list[tuple[list[tuple[str, float]], str]]:
    """Each profile with its name; of equal profiles nobody can say which is which."""
    return sorted((sorted(profile.items()), name) for profile, name in zip(profiles, names, strict=True))
