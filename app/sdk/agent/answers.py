"""Which answers are the service's, and which are as good as none.

Rules:
1. The service answers in forms of its own: a lease, a document that a lease names, a set of keys, a
   token, the receipt of a report; and where it refuses, a problem document (RFC 9457) or, at the
   token endpoint, an error of OAuth (RFC 6749 §5.2).
2. A refusal acts at once. Something on the way may have replaced the body of a 401 or 403, so these
   refuse in any form but a page: in doubt less is captured (law 7).
3. Everything else is silence: 429 and 5xx say that the service is busy, and a page, a redirect or
   another content type that somebody else answers. Whoever can answer like that could also have
   kept every answer away. What is held goes on, and ends by itself.
"""

from app.kernel.canonical import Json
from app.kernel.refusals import Refusal
from app.sdk.agent.tokens import json_object
from app.sdk.lease import Refused
from app.sdk.wire import Answer, Silence

_FOUND = 200
_PROBLEM = "application/problem+json"
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_BUSY = frozenset({407, 408, 421, 425, 429})
"""Of 4xx: a proxy wants a password, too slow, another server's, too early, too many requests."""
_REFUSING = frozenset({401, 403})
_FOR_GOOD = frozenset({400, 409, 413, 422})


def is_refusal(answer: Answer) -> bool:
    """Whether the service itself refuses (rule 2).

    >>> is_refusal(Answer(404, "application/problem+json", "", b"{}"))
    True
    >>> is_refusal(Answer(404, "text/html", "", b"")), is_refusal(Answer(401, "", "", b""))
    (False, True)
    """
    if answer.status in _BUSY or answer.status // 100 != 4:  # noqa: PLR2004 - 4xx
        return False
    return answer.media_type == _PROBLEM or (
        answer.status in _REFUSING and answer.media_type not in _PAGES
    )


def require_found(answer: Answer, media_type: str | None = None) -> None:
    """Return if an answer is what was asked for.

    Args:
        answer: what came.
        media_type: what it has to be; None: the caller knows it by its digest.

    Raises:
        Refused: the service refuses.
        Silence: it is busy, or another answers.
    """
    if answer.status == _FOUND and media_type in {None, answer.media_type}:
        return
    problem = f"status {answer.status}, {answer.media_type or 'no content type'}"
    if is_refusal(answer):
        raise Refused(Refusal.SERVER_ANSWER, problem)
    raise Silence(problem, answer.retry_after)


def token_of(answer: Answer) -> tuple[str, int]:
    """The token that the token endpoint gave, and for how many seconds.

    Raises:
        Refused: it gives none.
        Silence: it is busy, or another answers.
    """
    given = json_object(answer)
    if answer.status in {400, 401} and isinstance(given.get("error"), str):
        raise Refused(Refusal.SERVER_ANSWER, f"no token: {given['error']}")
    require_found(answer)
    token, lives_s = given.get("access_token"), given.get("expires_in")
    if not isinstance(token, str) or type(lives_s) is not int:
        raise Silence("no token: another answers")
    return token, lives_s


def takes(answer: Answer, report: str) -> bool:
    """Whether the service says that it has taken a report: it names its id.

    >>> takes(Answer(200, "application/json", "", b'{"report": "r1", "event": "e1"}'), "r1")
    True
    >>> takes(Answer(200, "text/html", "", b"<title>Welcome</title>"), "r1")
    False
    """
    named: Json = json_object(answer).get("report")
    return answer.status == _FOUND and named == report


def refuses_for_good(answer: Answer) -> bool:
    """Whether the service would refuse the same report again."""
    return answer.status in _FOR_GOOD and is_refusal(answer)
