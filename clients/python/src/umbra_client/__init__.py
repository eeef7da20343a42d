"""Client of Umbra: occlusion explanations of image classifiers, at the scale of datasets."""

from ._client import Client
from ._errors import UmbraError
from ._explanation import Explanation
from ._job import Job
from ._photos import Photo
from ._report import AtlasMap, ClassReport, Report

__all__ = ["AtlasMap", "ClassReport", "Client", "Explanation", "Job", "Photo", "Report", "UmbraError"]
__version__ = "0.1.0"
