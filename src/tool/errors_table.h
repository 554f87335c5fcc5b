#ifndef TOOL_ERRORS_TABLE_H
#define TOOL_ERRORS_TABLE_H
/* Between errors.c and its table only. */
#include "tool/errors.h"
extern const struct error_entry error_table[];
extern const size_t error_table_len;
#endif
