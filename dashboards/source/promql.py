"""Text of PromQL, put together: nothing of Desk."""


def indented(text: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in text.split("\n"))


def lines(*parts: str) -> str:
    return "\n".join(parts)
