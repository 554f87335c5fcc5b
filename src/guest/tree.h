#ifndef GUEST_TREE_H
#define GUEST_TREE_H
/*
 * The processes of a guest: runner -> guardian -> program -> whatever it starts.  The guardian is what orphans of the
 * tree fall to; it reaps them, tells the runner, and takes the tree down if the runner dies, whose death would
 * otherwise leave processes whose socket calls fail for ever.
 */
#include <linux/filter.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

struct tree {
	pid_t guardian, program;
	int guardian_fd;	/* to and from the guardian; readable at its end, too */
	int start_fd;		/* from the program until its exec: nothing or an errno, then its end */
	int go_fd;		/* to the program: one byte lets it go on */
	int pidfd;		/* of the program */
	int notify;		/* the notification descriptor, ours */
	bool killable;		/* as filter_install says */
};

/* What the guardian says. */
enum tree_event { TREE_NEWS_NONE, TREE_PROGRAM_ENDED, TREE_EMPTY, TREE_GUARDIAN_DIED };

/**
 * Starts guardian and program; the program stands before its exec, under the filter.  mask: the signal mask it shall
 * have.
 * @return 0, or a negated errno and in *step what was being done ("start a process", ...)
 */
int tree_start(struct tree *t, char *const *argv, const struct sock_fprog *filter, const sigset_t *mask,
	       const char **step);
/** Lets the program become itself.  Its start_fd tells how that went. */
void tree_go(struct tree *t);
/** Reads one message of the guardian; on TREE_PROGRAM_ENDED *status is as from waitpid, *left: others live on. */
enum tree_event tree_read(struct tree *t, int *status, bool *left);
/** Asks the guardian to end everything: SIGTERM, and after a moment SIGKILL. */
void tree_end(struct tree *t);
/** Calls fn for every descendant of the calling process, as /proc lists them, parents first. */
void tree_each_descendant(void (*fn)(void *ctx, pid_t pid), void *ctx);
/** Kills every descendant of the calling process, which must be a subreaper, and reaps them all. */
void tree_kill_descendants(void);
void tree_close(struct tree *t);

#endif
