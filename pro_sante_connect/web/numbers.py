"""Numbers in addresses."""

from werkzeug.routing import IntegerConverter, ValidationError


class BoundedNumber(IntegerConverter):
    """What a column of the store can hold; any other number is a page that there is not."""

    def to_python(self, value: str) -> int:
        if len(value) > 18:
            raise ValidationError
        return int(super().to_python(value))
