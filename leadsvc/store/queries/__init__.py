"""Read statements behind pages and API: Core, keyset paging, a fixed number of statements whatever the amount of data."""
