"""What a telephone number looks like in China."""

from __future__ import annotations

_MOBILE = r"(?:\+?86-?)?1[3-9]\d{9}"
_LANDLINE = r"(?:\(?0\d{2,3}\)?-?)?[2-9]\d{6,7}(?:-\d{1,6})?"
PHONE_SHAPE = rf"(?:{_MOBILE}|{_LANDLINE}|400-?\d{{3}}-?\d{{4}})(?:[,;/、，；](?:{_MOBILE}|{_LANDLINE}))*"
"""Pattern (RE2 and Python) of a whole cell without blanks: one number or several, mobile, landline with area code and extension, or 400."""
