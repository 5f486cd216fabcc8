"""A reader of JSON Schemas that is not ours."""

from collections.abc import Callable
from typing import Any

Takes = Callable[[object], bool]


def validator(schema: dict[str, Any]) -> Takes:
    """Whether a value fits a schema, which must be a good one itself."""
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid
