"""Text of PromQL, put together: nothing of Desk."""


def indented(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in text.split("\n"))


def lines(*parts: str) -> str:
    return "\n".join(parts)


def either(one: str, other: str) -> str:
    """`one`, and `other` where it is not; what binds `other` to a condition stands behind it."""
    return f"(\n{indented(one)}\n)\nor {other}"
