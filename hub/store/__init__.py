"""PostgreSQL: where the server is (`database`), its tables (`tables/`), their migrations, moving columns in and out (`arrow`)."""
