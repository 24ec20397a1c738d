"""The field-map engine: ``mappings/*.yaml`` say what to look for in a payload, this package looks.

A map is checked and compiled once; applying it is pure.
"""

from leadsvc.fieldmap.load import check_file, compile_map, load_maps
from leadsvc.fieldmap.maps import FieldMap, MapSet, NotLead

__all__ = ["FieldMap", "MapSet", "NotLead", "check_file", "compile_map", "load_maps"]
