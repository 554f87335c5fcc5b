#ifndef SIM_MODEL_H
#define SIM_MODEL_H
/*
 * A second opinion on every connection's scoreboard.  The model sees what an onlooker at the host's interface sees, the segments that
 * leave and arrive and nothing else, and keeps for each connection a plain sorted list: which bytes are outstanding, how often each
 * was sent, when last, and which the peer has SACKed.  Whenever the host has come to rest the scoreboard must say the same.
 */
#include <outlet/ol_stack.h>

struct model;
struct model *model_new(void);
void model_free(struct model *m);

/** A frame left the host; pkt only borrowed. */
void model_sent(struct model *m, int host, const struct ol_pkt *pkt, ol_time now);
/**
 * A frame is about to reach the stack; model_judge follows with what the stack made of it.  A frame that is no TCP is none of the
 * model's affairs.
 */
void model_arrives(struct model *m, int host, const struct ol_pkt *pkt);
/** What became of the frame that model_arrives saw. */
void model_judge(struct model *m, const struct ol_stack *stk, enum ol_fate fate);
/** The host is at rest: NULL when all its connections agree with the model, otherwise what does not. */
const char *model_compare(struct model *m, int host, const struct ol_stack *stk);
/** Scoreboards compared while something was outstanding, so that a run can tell that there was anything to see. */
uint64_t model_compared(const struct model *m);

#endif
