/*
 * Who sent a datagram, as a descriptor that can ride beside it: a sealed memfd that holds a struct ipc_meta.  One per
 * distinct value; the 256 used last are kept, so that a conversation costs one memfd and not one per datagram.
 */
#include "host/svc.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { KEPT = 256, BUCKETS = 64 };

struct entry { struct list lru, bucket; int fd; struct ipc_meta meta; };
struct meta_cache { struct list lru, bucket[BUCKETS]; unsigned n; struct sipkey key; };

struct meta_cache *meta_cache_new(void)
{
	struct meta_cache *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	list_init(&c->lru);
	for (int i = 0; i < BUCKETS; i++)
		list_init(&c->bucket[i]);
	return c;
}

static void drop(struct meta_cache *c, struct entry *e)
{
	list_del(&e->lru);
	list_del(&e->bucket);
	close(e->fd);
	free(e);
	c->n--;
}

void meta_cache_free(struct meta_cache *c)
{
	struct list *n;
	while (c && (n = list_first(&c->lru)))
		drop(c, list_of(n, struct entry, lru));
	free(c);
}

static int sealed(const struct ipc_meta *m)
{
	int fd = memfd_create("outlet-from", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if (write(fd, m, sizeof *m) != (ssize_t)sizeof *m ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int meta_fd(struct meta_cache *c, const struct ipc_meta *m)
{
	struct list *b = &c->bucket[siphash(c->key, m, sizeof *m) % BUCKETS];
	list_for(n, b) {
		struct entry *e = list_of(n, struct entry, bucket);
		if (memcmp(&e->meta, m, sizeof *m))
			continue;
		list_del(&e->lru);
		list_append(&c->lru, &e->lru);
		return e->fd;
	}
	if (c->n >= KEPT)
		drop(c, list_of(list_first(&c->lru), struct entry, lru));
	struct entry *e = calloc(1, sizeof *e);
	if (!e)
		return -1;
	e->fd = sealed(m);
	if (e->fd < 0) {
		free(e);
		return -1;
	}
	e->meta = *m;
	list_append(&c->lru, &e->lru);
	list_append(b, &e->bucket);
	c->n++;
	return e->fd;
}
