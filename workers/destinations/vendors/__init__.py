"""One module (or package) per vendor; its name is the vendor's in the configuration."""
