#ifndef SIM_SIM_H
#define SIM_SIM_H
/*
 * A network in virtual time: any number of stacks on wires, programs on the stacks, all chance from one seed.  The loop goes from
 * deadline to deadline; after each event every belief is checked (ol_stack_check, and that a drained stack's deadline lies
 * ahead).  The same seed gives the same run, byte for byte of its capture.
 *
 *	struct sim *s = sim_new(&(struct sim_config){ .seed = 1 });
 *	int a = sim_host(s, "a", NULL), b = sim_host(s, "b", NULL), w = sim_wire(s, &(struct ol_wire_config){ ... });
 *	sim_plug(s, a, w, "10.0.0.1/24", 0); sim_plug(s, b, w, "10.0.0.2/24", 0);
 *	... sockets and programs ...
 *	sim_run(s, until);
 */
#include <stdbool.h>
#include <outlet/ol_capture.h>
#include <outlet/ol_sock.h>
#include <outlet/ol_stack.h>
#include <outlet/ol_wire.h>
#include "base/rng.h"

struct sim;
struct sim_config {
	uint64_t seed;
	ol_capture_sink *capture;	/* gets a pcapng of every interface; NULL: none */
	void *capture_ctx;
	unsigned check_every;		/* events between two ol_stack_check of all stacks; 0: 1 */
};
struct sim *sim_new(const struct sim_config *cfg);
/** Frees everything; asserts that no packet is left over. */
void sim_free(struct sim *s);

/** A host; config as ol_config_set_list, may be NULL.  Its number. */
int sim_host(struct sim *s, const char *name, const char *config);
struct ol_stack *sim_stack(struct sim *s, int host);
/** A wire; its seed comes from the simulation's.  Its number. */
int sim_wire(struct sim *s, const struct ol_wire_config *cfg);
struct ol_wire *sim_wire_get(struct sim *s, int wire);
/** From now on the host takes what a wire brings at one instant as frames that came together (ol_stack_input_batch). */
void sim_together(struct sim *s, int host);
/** Plugs a host into a wire with an address of either family ("10.0.0.1/24"; NULL: none) and an MTU (0: the wire's).  The interface's index. */
int sim_plug(struct sim *s, int host, int wire, const char *prefix, uint32_t mtu);
void sim_addr(struct sim *s, int host, int ifi, const char *prefix);
/** A route by way of a gateway. */
void sim_route(struct sim *s, int host, const char *prefix, const char *gateway);
/**
 * All who share a wire know each other's addresses from now on.  ARP has no checksum: where a wire damages frames, a wrong station may
 * be learned, and what is tried would be the neighbour cache's patience.  From here on scoreboards are held against a model (model.h).
 */
void sim_introduce_all(struct sim *s);
/**
 * Sets the faults of every `in` of the wire, or of one port's.  The first wire that damages packets is the only one: of two bits turned in
 * one packet, 16 places apart and opposite ways, the checksum tells nothing (RFC 1071 2), and every byte is to arrive right.
 */
void sim_faults(struct sim *s, int wire, int port, const char *text);

ol_time sim_now(const struct sim *s);
struct rng *sim_rng(struct sim *s);

/*
 * A program: run() is called when one of its sockets (those whose tag it is) changed, and when the time `wake` has come; it sets
 * `wake` anew each time (OL_NEVER: only sockets).
 */
struct sim_app {
	void (*run)(struct sim_app *app, ol_time now);
	ol_time wake;
	struct sim *sim;
	struct sim_app *next;		/* the simulation's */
};
void sim_app_add(struct sim *s, struct sim_app *app, ol_time wake);
/** The simulation forgets it; it must have no socket left. */
void sim_app_del(struct sim *s, struct sim_app *app);

/** Runs until *done (may be NULL), until nothing is left to happen, or to the time `until`.  Events handled. */
uint64_t sim_run(struct sim *s, const bool *done, ol_time until);
/** How often packets met this fate, all hosts together. */
uint64_t sim_count(struct sim *s, enum ol_fate fate);

/** Something is wrong: says so and aborts (the program then prints the line that reruns it). */
_Noreturn void sim_fail(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define SIM_CHECK(sim, fact) ((fact) ? (void)0 : sim_fail(sim, "%s:%d: not true: %s", __FILE__, __LINE__, #fact))

#endif
