"""REST's addresses, below `/api/v1/`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from regulars.public.rest.api import api
from regulars.public.rest.docs import documentation

urlpatterns: list[URLPattern | URLResolver] = [
    path("docs", documentation, name="rest_documentation"),
    path("", api.urls),
]
