"""Everything this package raises on purpose: catch ``TelflowError`` to catch it all.

Every message says what was wrong, where (file, line, column, key or table), and what to do about it.
"""


class TelflowError(Exception):
    """Root of the package's own errors."""


class SettingsError(TelflowError):
    """A settings file or an override holds an unknown key, a wrong type, or is missing."""


class JavaMissingError(TelflowError):
    """No Java that Spark can run on was found."""


class TableMissingError(TelflowError):
    """A table that a job reads has not been written yet, or a version of it is held no more."""


class TableOutdatedError(TelflowError):
    """A table was made by an earlier version of the program and lacks what this one needs."""


class BrokenIdentityError(TelflowError):
    """Two numbers that must agree do not."""


class KeyMissingError(TelflowError):
    """The key of the pseudonyms is not configured, or too short to protect anybody."""


class InputError(TelflowError):
    """An input file cannot be used: it says which file, which line, and what to do."""


class KeyChangedError(TelflowError):
    """The key is another than the one that the lake's tokens were made under."""


class LakeBusyError(TelflowError):
    """Another run writes into the lake."""


class MixedRecordsError(TelflowError):
    """Synthetic records and one's own would come together in one lake."""


class RegistryError(TelflowError):
    """An IANA registry file is not what it should be."""


class OutputFolderError(TelflowError):
    """A folder to write into holds something that must not be mixed with the output."""


class ReviewedTableError(TelflowError):
    """A reviewed table in conf, of categories or of application names, cannot be used."""


class ModelMissingError(TelflowError):
    """A registered model, or the version asked for, is not there."""


class ModelInputError(TelflowError):
    """Rows that a model is to answer lack a feature, or a value of one."""


class TrackingError(TelflowError):
    """MLflow does not answer as it should."""


class AsOfError(TelflowError):
    """A date asked about has too few days of customer_daily before it."""


class NoSegmentsError(TelflowError):
    """No clustering of the sweep divides the customers as the settings ask."""


class TrainingDataError(TelflowError):
    """There is too little to train or to judge a model by."""


class AccessError(TelflowError):
    """The dashboard would be open to others without a login."""


class PackageMissingError(TelflowError):
    """A package that a setting asks for is not installed."""


class UnknownNameError(TelflowError):
    """A table, view or saved question was asked for by a name that none has."""


class RestrictedTableError(TelflowError):
    """A table that is not for analysts was asked for."""


class NoCatalogueError(TelflowError):
    """Something was asked for that only a lake in a catalogue can keep."""
