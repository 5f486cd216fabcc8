"""The routes of the application with their dependencies, for tests that walk all of them."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from app.web.shell.visit import Right


def routes(application: FastAPI) -> list[RouteContext]:
    """Every route as it is served: of routers within routers too, with the whole path."""
    found = iter_route_contexts(application.routes)
    return [route for route in found if isinstance(route.original_route, APIRoute)]


def dependants(dependant: Dependant) -> Iterator[Dependant]:
    """What a route depends on, at every depth."""
    yield dependant
    for inner in dependant.dependencies:
        yield from dependants(inner)


def pages(application: FastAPI) -> list[RouteContext]:
    """The routes for people."""
    return [
        route for route in routes(application) if route.endpoint.__module__.startswith("app.web.")
    ]


def rights(route: RouteContext) -> list[Right]:
    """What the declaration of a route asks for."""
    calls = [dependency.call for dependency in dependants(route.dependant)]
    return [call for call in calls if isinstance(call, Right)]
