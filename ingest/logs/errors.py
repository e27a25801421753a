"""What can stop an import.

LogImportError
├── UnreadableFile      a file is missing, not readable, or damaged in its middle
├── ServerAway          Kafka or Redis did not answer, or Kafka refused a record
└── WrongOptions        options that cannot be meant so: usage, not run time
Importing again after any of them adds only what is missing.
"""

from __future__ import annotations


class LogImportError(Exception):
    """Base of what the import raises on purpose; the message names the mend."""


class UnreadableFile(LogImportError):
    """Raised after what stood before the damage has been imported."""


class ServerAway(LogImportError):
    pass


class WrongOptions(LogImportError):
    pass
