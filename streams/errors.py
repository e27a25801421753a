"""What can go wrong in the stream, named by what to do about it.

    StreamError
    ├── TryAgain          infrastructure is away; the same batch is tried again in place
    ├── LostPartition     somebody else wrote behind our fence; this process must end
    ├── ProducerFailed    the producer will never work again; this process must end
    └── RebuildNeeded     what the fence still needs is gone from Kafka; a person must decide

A bad event is none of these: it becomes a `Rejected` record and the batch goes on. Anything else
that is raised is a bug; it ends the process before Kafka hears an acknowledgement, because Faust
would commit the input of an agent that failed.
"""

from __future__ import annotations


class StreamError(Exception):
    pass


class TryAgain(StreamError):
    pass


class LostPartition(StreamError):
    pass


class ProducerFailed(StreamError):
    pass


class RebuildNeeded(StreamError):
    pass
