/* Tables of text: columns, alignment, what is left out, and what a hostile cell cannot do. */
#include "unit.h"
#include "tool/table.h"
#include <stdlib.h>

static char *printed(const struct table *t, bool squeeze)
{
	static char buf[4096];
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	table_print(t, squeeze, f);
	fclose(f);
	snprintf(buf, sizeof buf, "%s", text);
	free(text);
	return buf;
}

TEST(table_columns_are_as_wide_as_their_longest_cell)
{
	struct table *t = table_new("HOST,>BYTES,NOTE");
	ok(table_row(t));
	table_cell(t, "a");
	table_cell(t, "%d", 12345678);
	table_cell(t, "x");
	ok(table_row(t));
	table_cell(t, "longer");
	table_cell(t, "1");
	eq_str(printed(t, false), "HOST       BYTES  NOTE\n"
				  "a       12345678  x\n"
				  "longer         1  \n");
	table_free(t);
}

TEST(table_empty_columns_are_left_out_when_squeezed)
{
	struct table *t = table_new("A,B,C");
	table_row(t);
	table_cell(t, "1");
	table_cell(t, "-");
	table_cell(t, "3");
	table_note(t, "   more");
	eq_str(printed(t, true), "A  C\n1  3\n   more\n");
	eq_str(printed(t, false), "A  B  C\n1  -  3\n   more\n");
	eq(table_rows(t), 1);
	table_free(t);
}

/* A program may call itself what it likes: escape sequences, C1 controls and broken UTF-8 come out as question marks. */
TEST(table_cells_cannot_move_the_cursor)
{
	char buf[64], small[4];
	eq_str(tame(buf, sizeof buf, "a\033[2Jb\nc\177"), "a?[2Jb?c?");
	eq_str(tame(buf, sizeof buf, "caf\xc3\xa9"), "caf\xc3\xa9");
	eq_str(tame(buf, sizeof buf, "\xc2\x9b" "31m"), "??31m");
	eq_str(tame(buf, sizeof buf, "\xff\xc3"), "??");
	eq_str(tame(small, sizeof small, "ab\xc3\xa9"), "ab");		/* no half character */
	struct table *t = table_new("A,B");
	table_row(t);
	table_cell(t, "%s", "\xc3\xa9\xc3\xa9");				/* two columns, four bytes */
	table_cell(t, "x");
	eq_str(printed(t, false), "A   B\n\xc3\xa9\xc3\xa9  x\n");
	table_free(t);
}

TEST(table_numbers_for_people)
{
	char b[24];
	eq_str(human_count(0, b), "0");
	eq_str(human_count(9999, b), "9999");
	eq_str(human_count(10000, b), "10k");
	eq_str(human_count(1234567, b), "1.2M");
	eq_str(human_count(999499999, b), "999M");
	eq_str(human_count(999999999, b), "1.0G");
	eq_str(human_count(18446744073709551615ull, b), "18E");
	eq_str(human_us(-1, b), "-");
	eq_str(human_us(120, b), "0.12 ms");
	eq_str(human_us(25000, b), "25 ms");
	eq_str(human_us(1500000, b), "1.5 s");
}
