"""Files of conversations: taken in from agents, and handed out to them."""

from __future__ import annotations

import logging
from urllib.parse import quote
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from regulars.console.access import AgentRequest, agent_view
from regulars.console.refusals import REFUSED
from regulars.inbox import attachments
from regulars.inbox.attachments import Sender
from regulars.kit import clock, database
from regulars.kit.storage import GoneError, UnavailableError
from regulars.workspaces.errors import InvalidError

log = logging.getLogger(__name__)

# Nothing in a file runs, whatever a browser takes it for.
_ALONE = "default-src 'none'; sandbox"


@agent_view()
@require_POST
def upload(request: AgentRequest) -> HttpResponseBase:
    """Keep a file, to be sent with a message."""
    sender = Sender(agent_id=request.user.id)
    try:
        name, content = _sent(request)
        with database.of_django() as core:
            kept = attachments.take(core, request.project.id, sender, name, content, clock.now())
    except InvalidError as wrong:
        return JsonResponse({"message": wrong.message, "field": wrong.field}, status=REFUSED)
    except UnavailableError as away:
        log.warning("The storage of files: %s", away)
        words = "The file can’t be kept just now: try again in a moment."
        return JsonResponse({"message": words, "field": "file"}, status=503)
    return JsonResponse({"id": str(kept.id), "name": kept.name, "bytes": kept.bytes}, status=201)


def _sent(request: AgentRequest) -> tuple[str, bytes]:
    """The file's name and its bytes, which are read only where they are not too many."""
    given = request.FILES.get("file")
    if given is None:
        raise InvalidError("file", "Choose a file first.")
    if given.size is None or given.size > attachments.MOST_BYTES:
        most = attachments.MOST_BYTES // 1024 // 1024
        raise InvalidError("file", f"A file has at most {most} MB.")
    return given.name or "file", given.read()


@agent_view()
@require_GET
def file(request: AgentRequest, file_id: UUID) -> HttpResponseBase:
    """The file: an image in place, anything else as a download."""
    with database.of_django() as core:
        kept = attachments.find(core, request.project.id, file_id)
    if kept.conversation_id is None:
        raise Http404  # somebody uploaded it, and sent it to nobody
    try:
        content = kept.content()
    except GoneError as gone:
        raise Http404 from gone
    except UnavailableError as away:
        log.warning("The storage of files: %s", away)
        words = "The file can’t be read just now: try again in a moment."
        return HttpResponse(words, content_type="text/plain; charset=utf-8", status=503)
    media_type, disposition = attachments.served_as(kept.file.media_type)
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f"{disposition}; filename*=UTF-8''{quote(kept.file.name)}"
    answer["Content-Security-Policy"] = _ALONE
    answer["X-Content-Type-Options"] = "nosniff"
    return answer
