"""Texts of rules and templates: what is refused, what is rendered, what it may cost."""

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.errors import MessageInvalid
from connector.messages.render import check, render_body, render_text, uses
from connector.messages.samples import sample_context


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Sin nada que rellenar",
        "Hola, {{ buyer.first_name }}",
        "{{ order.items.size }} {% for i in order.items %}{{ i.quantity }}{% endfor %}",
        "{% if parcel.number and order.item_count > 1 %}x{% elsif coupon %}y{% endif %}",
        "{% assign n = order.item_count | times: 2 %}{{ n }}",
        '{{ order.note | default: "-" | truncate: 20 }}',
        "{% for i in order.items %}{% unless forloop.last %},{% endunless %}{% endfor %}",
        "{% case buyer.order_count %}{% when 1 %}a{% else %}b{% endcase %}",
        "{% comment %}{{ nothing }}{% endcomment %}{{ carrier }}",
        "{% capture x %}{{ shop.name }}{% endcapture %}{{ x | upcase }}",
        "{{ order.items | map: 'name' | join: ', ' }}",
    ],
)
def test_good_texts_are_fine(source: str) -> None:
    """A text of known names, tags and filters has no problems."""
    assert check(source) == []


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (
            "uno\n{{ order.nubmer }}",
            "line 2: unknown placeholder `order.nubmer`; did you mean `order.number`?",
        ),
        ("{{ name }}", "line 1: unknown placeholder `name`"),
        (
            "{% for i in order.items %}\n{{ i.nmae }}\n{% endfor %}",
            "line 2: unknown placeholder `i.nmae`; did you mean `i.name`?",
        ),
        ("{% if a.b %}{% endif %}", "line 1: unknown placeholder `a.b`"),
        ("{{ buyer.__class__ }}", "line 1: unknown placeholder `buyer.__class__`"),
        ("{{ order[shop.name] }}", "line 1: unknown placeholder `order[shop.name]`"),
        ("a\n\n{{ x", "line 3: expected '}}'"),
        ("a\n{% if carrier %}", "line 2: expected tag endif"),
        ("{% include 'x' %}", "line 1: unexpected tag 'include'"),
        ("{% render 'x' %}", "line 1: unexpected tag 'render'"),
        (
            "{{ carrier | upcas }}",
            "line 1: unknown filter `upcas`; did you mean `upcase`?",
        ),
        ("{{ carrier | safe }}", "line 1: unknown filter `safe`"),
        ("{{ order.item_count | divided_by: 0 }}", "line 1: divided_by"),
        ("{% if order.total > 50 %}{% endif %}", "line 1: '<' and '>' are not supported"),
        ("{{ order }}", "name one field of it"),
        ("{{ order.items }}", "name one field of it"),
        ("{% if buyer.email != blank %}{% endif %}", "do not compare with `blank`"),
        ("x" * 70_000, "longer than 64 KiB"),
    ],
)
def test_mistakes_are_told_when_saved(source: str, problem: str) -> None:
    """Each kind of mistake is named, with its line and a suggestion where there is one."""
    (found,) = check(source)
    assert found.startswith(problem) or problem in found


def test_all_unknown_names_are_told_at_once() -> None:
    """Two wrong names are two problems, each told once."""
    assert len(check("{{ a }}{{ b }}{{ a }}")) == 2


def test_what_is_not_there_stops_the_message() -> None:
    """A known name without a value is an error that says how to write it instead."""
    context = sample_context("es") | {"parcel": {"carrier": "SEUR"}}
    with pytest.raises(MessageInvalid, match=r"`parcel.number` has no value.*if parcel.number"):
        render_text("{{ parcel.number }}", context)

    assert render_text("{% if parcel.number %}x{% else %}y{% endif %}", context) == "y"
    assert render_text('{{ parcel.number | default: "sin número" }}', context) == "sin número"
    with pytest.raises(MessageInvalid):
        render_text("{{ parcel.number | upcase }}", context)
    with pytest.raises(MessageInvalid):
        render_text("{{ coupon.code }}", {})


@pytest.mark.parametrize(
    "value",
    [
        "{{ shop.name }}",
        "{% assign x = 1 %}",
        "{{ 7 | times: 7 }}",
        "<script>alert(1)</script>",
        "\" onmouseover='x'",
        "**bold** [link](https://evil.example) # > - |",
        "&lt;b&gt;",
    ],
)
def test_what_a_customer_wrote_is_never_a_template_or_markup(value: str) -> None:
    """A value comes out as the very letters it has, escaped in HTML."""
    context = {"order": {"note": value}}
    body = render_body("{{ order.note }}", context)

    assert render_text("{{ order.note }}", context) == value
    assert body.text == value + "\n"
    assert "<script" not in body.html
    assert "<a " not in body.html
    assert "<strong>" not in body.html
    assert '"' not in body.html.split(">", maxsplit=1)[1].replace('="', "")


def test_a_value_cannot_begin_a_block() -> None:
    """A value at the start of a line stays a paragraph, also with line ends in it."""
    for value in ("## big", "- item", "> panel", "| a | b |", "x\n\n## big"):
        html = render_body("{{ order.note }}", {"order": {"note": value}}).html
        assert html.startswith("<p ")
        assert html.count("<") == 2


def test_captured_values_stay_values() -> None:
    """A value that went through capture is still no markup."""
    source = "{% capture x %}{{ order.note }}{% endcapture %}{{ x }}"
    assert "<strong>" not in render_body(source, {"order": {"note": "**a**"}}).html


def test_control_and_direction_marks_are_taken_out() -> None:
    """A value can neither hide text nor turn the reading direction."""
    value = "a\u202eb\u0000c\u200fd\x1be\uf0fff\r\ng"
    assert render_text("{{ order.note }}", {"order": {"note": value}}) == "abcdef\ng"
    assert render_body("{{ order.note }}", {"order": {"note": value}}).text == "abcdef g\n"


def test_markup_has_two_forms() -> None:
    """One source gives plain text and HTML with the same words."""
    body = render_body(
        "## Title\nFirst **line**\nsecond\n\n- one\n\n- two\n\n> CODE\n\n| a | 1 |\n| b |\n"
        "[here](https://x.example/?a=1&b=2) [bad](javascript:x) [me](mailto:a@b.example)",
        {},
    )
    assert body.text == (
        "Title\n\nFirst line\nsecond\n\n- one\n- two\n\n    CODE\n\n  a: 1\n  b\n\n"
        "here: https://x.example/?a=1&b=2 bad me: a@b.example\n"
    )
    assert 'href="https://x.example/?a=1&amp;b=2"' in body.html
    assert "javascript" not in body.html
    assert body.html.count("<li") == 2
    assert body.html.count("<ul") == 1
    assert "First <strong>line</strong><br>second" in body.html


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}x{% endfor %}{% endfor %}",
        "{% for i in (1..4000) %}{{ order.total | append: '" + "x" * 200 + "' }}{% endfor %}",
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | append: x %}" * 40,
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | replace: 'a', x %}" * 10,
        "{% assign x = 'aaaaaaaaaa' %}" + "{% assign x = x | replace: '', x %}" * 10,
        "{% assign x = 99999999999999 %}" + "{% assign x = x | times: x %}" * 30,
        "{{ (1..900000000) | join: 'x' }}",
        "{{ (1..900000000) | last }}{{ (1..900000000) | size }}",
        "{% if carrier %}" * 200 + "{% endif %}" * 200,
    ],
)
def test_a_costly_text_is_stopped(source: str) -> None:
    """Loops, growth and nesting have an end, in the check and when rendered."""
    began = time.thread_time()
    with pytest.raises(MessageInvalid):
        render_text(source, sample_context("es"))
    assert check(source) != []
    # Generous: the limits stop each of them in a fraction of the second they may take.
    assert time.thread_time() - began < 30


@settings(deadline=None)
@given(st.text(alphabet="{}%|. abcorderbuyernumber'\"\n0123=:()[]<>", max_size=80))
def test_any_text_renders_or_is_refused(source: str) -> None:
    """Whatever somebody types, the answer is a text or a reason, never a crash."""
    with contextlib.suppress(MessageInvalid):
        assert isinstance(render_text(source, sample_context("en")), str)
    with contextlib.suppress(MessageInvalid):
        assert isinstance(render_body(source, sample_context("en")).html, str)
    assert all(isinstance(problem, str) for problem in check(source))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_value_is_safe_in_html(value: str) -> None:
    """No value makes a tag: the frame around it is all the HTML there is."""
    html = render_body("x {{ order.note }}", {"order": {"note": value}}).html
    assert html.count("<") == 2
    assert html.count(">") == 2


def test_uses_tells_what_a_text_names() -> None:
    """A text that names the coupon anywhere is known to do so."""
    assert uses("{% if coupon.code %}{{ coupon.code }}{% endif %}", "coupon")
    assert not uses("{{ order.number }} coupon", "coupon")
