"""Refuse values that only this context knows: definitions and values of custom fields, consents.

Each refusal carries the JSON path of the value in `field`. Details never repeat the value: it may be personal.
"""

from typing import ClassVar

from patron_events.rejections import Invalid


class PurposeInvalid(Invalid):
    """A purpose is named by up to 63 lower-case letters, digits and hyphens, beginning with a letter."""

    code: ClassVar[str] = "purpose-invalid"


class ConsentEndsBefore(Invalid):
    """A consent must end after it was given."""

    code: ClassVar[str] = "consent-ends-before"


class FieldNameInvalid(Invalid):
    """A custom field is named by a lower-case letter and up to 62 lower-case letters, digits and underscores."""

    code: ClassVar[str] = "field-name-invalid"


class FieldTypeUnknown(Invalid):
    """A custom field is a string, number, integer, boolean, date, datetime or enum."""

    code: ClassVar[str] = "field-type-unknown"


class FieldOptionsInvalid(Invalid):
    """An enum needs 1 to 200 different options; other types have none."""

    code: ClassVar[str] = "field-options-invalid"


class FieldNeverUnique(Invalid):
    """A boolean cannot be unique: it has two values for all records."""

    code: ClassVar[str] = "field-never-unique"


class CustomFieldUnknown(Invalid):
    """No custom field of this name is defined."""

    code: ClassVar[str] = "custom-field-unknown"


class CustomFieldMistyped(Invalid):
    """The value is not of the type that the custom field is defined with."""

    code: ClassVar[str] = "custom-field-type"


class CustomFieldNoOption(Invalid):
    """The value is none of the options that the custom field is defined with."""

    code: ClassVar[str] = "custom-field-option"
