"""Read statements behind pages and API: Core, keyset paging, a fixed number of statements for any amount of data."""
