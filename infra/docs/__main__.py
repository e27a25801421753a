"""python -m infra.docs: writes the data dictionary anew from the views' definitions."""

from __future__ import annotations

from infra.docs.dictionary import PAGE, page

PAGE.write_text(page())
