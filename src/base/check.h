#ifndef BASE_CHECK_H
#define BASE_CHECK_H
/* Assertions of our own beliefs.  They stay on in releases; no packet and no program's argument can trip one. */
#define CHECK(fact) ((fact) ? (void)0 : check_failed(#fact, __FILE__, __LINE__))
_Noreturn void check_failed(const char *fact, const char *file, int line);

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define MIN(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define MAX(a, b) ({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define CLAMP(x, lo, hi) MIN(MAX(x, lo), hi)
#endif
