"""The HTTP API under `/api/v1`: one blueprint `api`; each module adds its operations to it with pydantic models, and exports it as `bp`.

Inside a module: `from app.api import bp`, then `@bp.get("/carriers")` over `def carriers(query: CarrierQuery)`. The function's name is
the endpoint (`api.carriers`) and stands in `app.access.ACCESS`; modules are listed in `app.wiring.APIS`. flask-openapi3 reads the
annotations at run time: parts of the address come as a model too (`path: OrderPath`), and classes are real (`flask.Response`, not
`flask.typing.ResponseReturnValue`).
"""

from typing import Annotated, Any, Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field

from app.api.problem import RESPONSES

PREFIX: Final = "/api/v1"
SECURITY: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "session", "description": "browser session; writes need the header X-CSRFToken"},
}
SIGNED: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"session": []}]
"""`security=SIGNED` marks an operation that needs a person."""

Lon = Annotated[float, Field(ge=-180, le=180, description="longitude, degrees, WGS84")]
Lat = Annotated[float, Field(ge=-90, le=90, description="latitude, degrees, WGS84")]

bp = APIBlueprint("api", __name__, url_prefix=PREFIX, abp_responses=RESPONSES)
