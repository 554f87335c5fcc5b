#ifndef TOOL_TABLE_H
#define TOOL_TABLE_H
/* Tables of text: columns as wide as their longest cell.  Cells are copied; what could move a cursor becomes '?'. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_MAX_COLS = 24, TABLE_CELL = 256 };	/* longer cells are cut */

struct table;
/** heads: column names in a row, "HOST,>RECV-Q,STATE": a '>' aligns to the right.  NULL: no memory. */
struct table *table_new(const char *heads);
void table_free(struct table *t);
/** Appends a row; cells are added from left to right by table_cell, those not added stay empty. */
bool table_row(struct table *t);
bool table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A line of its own under the last row. */
bool table_note(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t table_rows(const struct table *t);
/** Columns in which every cell is empty or "-" are left out where `squeeze`. */
void table_print(const struct table *t, bool squeeze, FILE *out);

/** 1234567 -> "1.2M"; up to 9999 as it is.  buf has 16 bytes; returns buf. */
char *human_count(unsigned long long n, char *buf);
/** Microseconds as "0.12 ms", "1.5 s"; "-" for less than 0.  buf has 24 bytes; returns buf. */
char *human_us(double us, char *buf);
/** Copies printable ASCII and well-formed UTF-8; anything else becomes '?'.  Returns to. */
char *tame(char *to, size_t len, const char *from);

#endif
