"""The benchmark's own sums, texts and arguments; nothing here takes time."""

import base64
import hashlib
import hmac
import json

import pytest

from tools.bench.arguments import CASES, parse
from tools.bench.bodies import FIRST_NUMBER, MARK, SECRET, signature, template
from tools.bench.page import renewed, text_of
from tools.bench.table import Bar, Row, Section, interleaved, number, ratio_row


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """Each round is divided by itself, then the middle one is shown with both ends."""
    row = ratio_row("x", [10.0, 30.0, 8.0], [10.0, 10.0, 16.0], "/s", bar=Bar(0.9))
    assert row.ratios == (1.0, 3.0, 0.5)
    assert row.cells() == ("x", "1.00", "0.50 to 3.00", "10.0 /s", "10.0 /s", "≥ 0.90", "yes")


def test_a_bar_may_be_a_ceiling() -> None:
    """Where less is better, the bar itself is still good and more is not."""
    most = Bar(4.0, least=False)
    assert (most.holds(4.0), most.holds(4.1), str(most)) == (True, False, "≤ 4.00")


def test_a_missed_bar_is_told() -> None:
    """A figure below its bar says no; one without a bar says nothing."""
    missed = Row("x", (80.0,), "", "", Bar(100.0), plain="/s")
    free = Row("x", (80.0,), "", "")
    assert (missed.cells()[1], missed.cells()[-1], free.cells()[-1]) == ("80.0 /s", "no", "")


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12"), (9.5, "9.50"), (12.34, "12.3"), (1234.5, "1,234")]
)
def test_figures_show_three_digits(value: float, text: str) -> None:
    """A figure has as many digits as mean something."""
    assert number(value) == text


@pytest.mark.parametrize("against", [[], [1.0, 2.0]])
def test_uneven_series_are_refused(against: list[float]) -> None:
    """Two series that are not of the same rounds make no ratio."""
    with pytest.raises(ValueError, match="same rounds"):
        ratio_row("x", [1.0][: len(against)], against, "/s")


def test_rounds_are_interleaved() -> None:
    """Two things are measured A B B A, so that none always comes first."""
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    found = interleaved(2, {"a": lambda: measure("a"), "b": lambda: measure("b")})
    assert order == ["a", "b", "b", "a"]
    assert found == {"a": [1, 4], "b": [2, 3]}


def test_all_is_measured_without_arguments() -> None:
    """Without words every case of ours runs, and the page is written."""
    plan = parse([])
    assert plan.cases == tuple(name for name in CASES if name != "peers")
    assert (plan.rounds, plan.filled, plan.page, plan.profile) == (5, 100_000, True, False)


def test_a_part_is_measured_in_its_order() -> None:
    """A part is measured in the usual order, as often as said."""
    plan = parse(["--only", "drain,receiver", "--rounds", "7", "--quick", "--profile"])
    assert plan.cases == ("receiver", "drain")
    assert (plan.rounds, plan.quick, plan.filled) == (7, True, 10_000)
    assert (plan.page, plan.part, plan.profile) == (True, True, True)
    assert not parse(["--only", "drain", "--no-page"]).page
    assert not parse([]).part


def test_a_part_renews_its_sections_alone() -> None:
    """What was measured by itself stands in the place of the older figures, and says so."""
    old, new = (ratio_row("A row", [number], [1.0], "/s") for number in (1.0, 3.0))
    plan = parse(["--only", "drain", "--rounds", "7"])
    page = text_of([Section("Drain", (old,), "A note."), Section("Memory", (old,))], plan, [])
    text = renewed(page, [Section("Drain", (new,), "A note."), Section("Crowd", (new,))], plan, "D")
    head, drain, memory, crowd = text.split("\n## ")
    assert head == page.split("\n## ")[0]
    assert drain.startswith("Drain\n\nMeasured by itself on D, rounds: 7.\n\nA note.\n\n| What |")
    assert "| A row | 3.00 |" in drain
    assert "| A row | 1.00 |" not in drain
    assert "| A row | 1.00 |" in memory
    assert "by itself" not in memory
    assert crowd.startswith("Crowd\n\nMeasured by itself")


def test_peers_come_when_asked_for() -> None:
    """Servers of others are installed and measured only when somebody says so."""
    assert "peers" in parse([], peers=True).cases
    assert parse(["--only", "peers"]).cases == ("peers",)
    assert parse(["--only", "drain"], peers=True).cases == ("drain",)


def test_a_million_is_a_million() -> None:
    """`--million` fills the store with so many, in a quick run too."""
    assert parse(["--million", "--quick"]).filled == 1_000_000


@pytest.mark.parametrize("words", [["--only", "reciever"], ["--rounds", "-1"], ["--fast"]])
def test_words_that_mean_nothing_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word ends with exit code 2 and says what is known."""
    with pytest.raises(SystemExit) as ended:
        parse(words)
    assert ended.value.code == 2
    assert "usage: make bench" in capsys.readouterr().err


@pytest.mark.parametrize("size", [3 * 1024, 12 * 1024])
def test_bodies_have_their_size_and_number(size: int) -> None:
    """Each body is exactly as long as wanted, begins with its number and is no other's."""
    made = template(size)
    first, second = made.body(FIRST_NUMBER), made.body(FIRST_NUMBER + 1)
    assert (len(first), len(second)) == (size, size)
    assert first.startswith(b'{"id":200000000,')
    order = json.loads(second)
    assert (order["id"], order["number"]) == (200_000_001, "200000001")
    assert order["billing"]["email"] == "buyer-200000001@example.com"
    assert MARK not in second


def test_parts_make_the_body() -> None:
    """What the load generator joins is the very body that was signed."""
    made = template(3 * 1024)
    joined = b"200000007".join(made.parts)
    wanted = hmac.new(SECRET.encode(), joined, hashlib.sha256).digest()
    assert joined == made.body(200_000_007)
    assert signature(made.body(200_000_007)) == base64.b64encode(wanted).decode()


def test_an_order_needs_its_room() -> None:
    """A size no real order fits into is refused."""
    with pytest.raises(ValueError, match="more than 500 bytes"):
        template(500)


def test_the_page_tells_how_it_was_made() -> None:
    """The page holds machine, rounds, how to repeat, and a table for each section."""
    row = ratio_row("12 KB | c=16", [1.0, 3.0], [2.0, 2.0], "/s")
    text = text_of([Section("Receiver", (row,), "A note.")], parse(["--quick"]), ["Cores: 2"])
    assert "a quick run of `make bench`" in text
    assert "(rounds: 3)" in text
    assert "**" not in text
    assert "- Cores: 2\n" in text
    assert "## Receiver\n\nA note.\n\n| What | Ratio |" in text
    assert "| 12 KB \\| c=16 | 1.00 | 0.50 to 1.50 | 2.00 /s | 2.00 /s |  |  |" in text


def test_the_page_says_when_its_figures_are_no_result() -> None:
    """A run of too few rounds, or on a machine that was busy, says so in bold."""
    few = text_of([], parse(["--rounds", "1"]), [])
    busy = text_of([], parse([]), [], busy=True)
    assert "**Too few rounds for a median" in few
    assert "The machine was busy" not in few
    assert "**The machine was busy with other work" in busy
    assert "Too few rounds" not in busy
