"""VDV 463: depot management systems say which vehicles shall be charged when, and hear how that goes."""
