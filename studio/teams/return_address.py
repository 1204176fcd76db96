"""Where a form sends the browser afterwards: the field `next` of the page that it came from."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme


def redirect_back(request: HttpRequest, otherwise: str) -> HttpResponseRedirect:
    """To the address in the posted field `next`, else to the path `otherwise`."""
    return HttpResponseRedirect(address_back(request, otherwise))


def address_back(request: HttpRequest, otherwise: str) -> str:
    """The posted field `next` when it is an address of this site, else the path `otherwise`. A word
    that is no address leads nowhere: Django's redirect() would take it for the name of a view."""
    back = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure())
    return back if ours and "/" in back else otherwise
