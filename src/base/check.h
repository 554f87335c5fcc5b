#ifndef BASE_CHECK_H
#define BASE_CHECK_H
/* Assertions of our own beliefs.  They stay on in releases; no packet and no program's argument can trip one. */
#define CHECK(fact) ((fact) ? (void)0 : check_failed(#fact, __FILE__, __LINE__))
_Noreturn void check_failed(const char *fact, const char *file, int line);

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
/* Each argument is evaluated once.  The names are numbered, so that one may stand inside another without -Wshadow. */
#define CHECK_PASTE_(a, b) a##b
#define CHECK_PASTE(a, b) CHECK_PASTE_(a, b)
#define CHECK_PICK_(a, b, op, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x op y ? x : y; })
#define CHECK_PICK(a, b, op, n) CHECK_PICK_(a, b, op, CHECK_PASTE(pick_a_, n), CHECK_PASTE(pick_b_, n))
#define MIN(a, b) CHECK_PICK(a, b, <, __COUNTER__)
#define MAX(a, b) CHECK_PICK(a, b, >, __COUNTER__)
#define CLAMP(x, lo, hi) MIN(MAX(x, lo), hi)
#endif
