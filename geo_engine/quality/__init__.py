"""The input doctor: what an extract holds, column by column."""
