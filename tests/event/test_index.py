"""What is looked up quickly is exactly what each pattern by itself says."""

from itertools import product

from hypothesis import example, given
from hypothesis import strategies as st

from app.event.rules import ExclusionIndex
from app.policy.catalogue.address import read_address
from app.policy.catalogue.patterns import excludes, plain, read_page, read_pattern, read_title
from tests.event.ready import exclusion

HOSTS = st.sampled_from(["a.example", "b.a.example", "c.b.a.example", "example.org"])
NAMED = HOSTS.flatmap(lambda host: st.sampled_from([host, f"*.{host}"]))
SEGMENTS = st.sampled_from(["hr", "HR", "pay", "p", "hr;v=1", "x1"])
PARTS = SEGMENTS.filter(lambda one: ";" not in one) | st.sampled_from(["*", "h*", "*y", "p*y"])


def below(host: str, segments: list[str]) -> str:
    return "/".join([host, *segments])


URLS = st.builds(below, NAMED, st.lists(SEGMENTS, max_size=2))
PAGES = st.builds(below, NAMED, st.lists(PARTS, min_size=1, max_size=3))
ADDRESSES = st.builds(
    "{}://{}".format,
    st.sampled_from(["https", "http"]),
    st.builds(below, HOSTS, st.lists(SEGMENTS, max_size=3)),
)
WORDS = st.sampled_from(["pay", "PAYROLL", "roll", "hr", "-", "", "x"])
GLOBS = st.lists(WORDS, min_size=1, max_size=4).map("*".join).filter(lambda glob: glob.strip("* "))
TITLES = st.lists(WORDS, max_size=4).map("".join)
APPS = ("slack", "*")


@given(st.lists(st.tuples(st.lists(URLS), st.lists(PAGES)), max_size=6), ADDRESSES)
@example([(["*.a.example"], []), ([], ["a.example/*"])], "https://b.a.example")
@example([([], ["a.example/hr"])], "https://a.example/HR;v=1/x")
def test_an_address_falls_under_exactly_the_places_that_fit_it(
    listed: list[tuple[list[str], list[str]]], text: str
) -> None:
    address = read_address(text)
    assert address is not None
    index = ExclusionIndex.of(
        exclusion(f"e{number}", urls=urls, pages=pages)
        for number, (urls, pages) in enumerate(listed)
    )
    slow = {
        number
        for number, (urls, pages) in enumerate(listed)
        if any(excludes(read_pattern(url), address) for url in urls)
        or any(read_page(page).fits(address) for page in pages)
    }
    assert set(index.of_address(address)) == slow


@given(st.lists(st.tuples(st.sampled_from(APPS), GLOBS), max_size=6), TITLES)
def test_a_title_falls_under_exactly_the_globs_that_fit_it(
    listed: list[tuple[str, str]], title: str
) -> None:
    texts = [f"{app}: {glob}" for app, glob in listed]
    index = ExclusionIndex.of(exclusion(text, titles=[text]) for text in texts)
    for app, (number, text) in product(APPS, enumerate(texts)):
        wanted = read_title(text)
        fits = wanted.app == app and wanted.glob.fits(plain(title))
        assert (number in set(index.of_title(app, plain(title)))) is fits
