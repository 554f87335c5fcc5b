#ifndef BASE_LIST_H
#define BASE_LIST_H
/* A ring of nodes that live inside what they list.  A node that is on no list points at itself. */
#include <stdbool.h>
#include <stddef.h>

struct list { struct list *prev, *next; };

#define list_of(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
#define list_for(pos, head) for (struct list *pos = (head)->next; pos != (head); pos = pos->next)
/* The body may take pos off the list. */
#define list_for_safe(pos, head) \
	for (struct list *pos = (head)->next, *pos##_next = pos->next; pos != (head); pos = pos##_next, pos##_next = pos->next)

static inline void list_init(struct list *n) { n->prev = n->next = n; }
static inline bool list_empty(const struct list *n) { return n->next == n; }
static inline void list_insert(struct list *at, struct list *n)	/* n goes before at */
{
	n->prev = at->prev;
	n->next = at;
	at->prev->next = n;
	at->prev = n;
}
static inline void list_append(struct list *head, struct list *n) { list_insert(head, n); }
static inline void list_push(struct list *head, struct list *n) { list_insert(head->next, n); }
static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}
static inline struct list *list_first(struct list *head) { return list_empty(head) ? NULL : head->next; }
static inline struct list *list_take(struct list *head)		/* the first, off the list, or NULL */
{
	struct list *n = list_first(head);
	if (n)
		list_del(n);
	return n;
}

#endif
