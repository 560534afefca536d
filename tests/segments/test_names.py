"""Names come from the profile alone."""

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


@given(PROFILES)
def test_no_two_names_are_alike_and_order_says_nothing(profiles: list[dict[str, float]]) -> None:
    names = segment_names(profiles)
    assert len(set(names)) == len(profiles)
    turned = segment_names(profiles[::-1])
    plain = [segment_name(profile) for profile in profiles]
    assert all(
        name == other for name, other, own in zip(names, turned[::-1], plain, strict=True) if plain.count(own) == 1
    )
