"""Text that XML, and so every .docx and .xlsx, can carry."""

from __future__ import annotations

import re

_NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_text(text: str) -> str:
    """The text without the characters XML 1.0 has no way to write (section 2.2 of the recommendation)."""
    return _NOT_IN_XML.sub("", text)
