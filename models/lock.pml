/* SPDX-License-Identifier: MIT */
/*
 * A try-locked stream (attempt_locked() in src/probe/writer.cpp): two threads of two programs on two CPUs, a
 * signal handler that interrupts one of them anywhere, the first program killed anywhere, and the daemon
 * that frees what the dead one held (Ring::release_locks() in src/ring/ring.cpp).
 *
 * There are two such streams. The second one is only its lock: what is recorded there is counted.
 */
#ifndef EVENTS
#define EVENTS 1 /* of each thread; the signal handler sends one */
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef REPAIRS
#define REPAIRS 1 /* times the daemon frees what the first program held, at the same time */
#endif
#define WRITERS 3
#define FIRST 0 /* thread of the first program */
#define SECOND 1
#define HANDLER 2
#ifndef INTERRUPTED
#define INTERRUPTED FIRST /* whose thread the handler runs on */
#endif
#define THREAD_OF(writer) ((writer) == HANDLER -> INTERRUPTED : (writer))
#define OWNER_ID (THREAD_OF(me) + 1) /* registration << 32 | tid */
#define ALL_FINISHED (WRITERS + REPAIRS)

byte owner[2];
byte kills = KILLS;
bool is_handling; /* the interrupted thread stands still meanwhile */
bool is_dead;     /* the first program */

#define STEP(action)                                                                \
  atomic {                                                                          \
    (me != INTERRUPTED || !is_handling || (me == FIRST && is_dead));                \
    if                                                                              \
    :: THREAD_OF(me) == FIRST && is_dead -> goto dead                               \
    :: THREAD_OF(me) == FIRST && kills > 0 -> kills--; is_dead = true; goto dead    \
    :: THREAD_OF(me) != FIRST || !is_dead -> action                                 \
    fi                                                                              \
  }
/* The holder is alone: nothing to check, nothing to start over. */
#define ENTER skip
#define SECTION(action) STEP(action)
#define LEAVE_SECTION skip
#define START_WRITERS                          \
  run writer(FIRST);                           \
  run writer(SECOND);                          \
  run writer(HANDLER);                         \
  run daemon();                                \
  if :: REPAIRS > 1 -> run daemon() :: else fi
#define END_CHECK                                      \
  assert(owner[0] == 0 && owner[1] == 0);              \
  assert(cut <= 2 * KILLS) /* the thread and its handler */

#include "stream.pml"

#ifdef BUG_NO_LOCK
#define IS_FREE true
#elif defined(BUG_NESTED_TAKES_OWN)
#define IS_FREE (owner[s] == 0 || owner[s] == OWNER_ID)
#else
#define IS_FREE (owner[s] == 0)
#endif

proctype writer(byte me) {
  byte i, s, value, at, count, t, next, sequence, events;
  bool extended, is_full, in_flight, is_taken;
  if
  :: me == HANDLER -> STEP(is_handling = true); i = EVENTS - 1
  :: else
  fi;
  do
  :: i < EVENTS ->
    STEP(i++; value = me * EVENTS + i; sent++; in_flight = true; is_full = false);
#ifdef BUG_CLOCK_BEFORE_LOCK
    STEP(READ_CLOCK(t));
#endif
take:
    s = 0;
    do
    :: s < 2 ->
#ifdef BUG_WAIT_FOR_OWNER
      owner[s] == 0;
#endif
#ifdef BUG_CHECK_THEN_TAKE
      STEP(is_taken = IS_FREE);
      if
      :: is_taken -> STEP(owner[s] = OWNER_ID); break
      :: else -> s++
      fi
#else
      STEP(if :: IS_FREE -> owner[s] = OWNER_ID; is_taken = true :: else -> is_taken = false fi);
      if
      :: is_taken -> break
      :: else -> s++
      fi
#endif
    :: else -> break
    od;
    if
    :: s == 0 -> skip;
again:
      attempt();
leave:
      skip
    :: s == 1 -> STEP(elsewhere++; in_flight = false)
    :: s == 2 -> goto busy
    fi;
    STEP(owner[s] = 0);
    if
    :: is_full -> STEP(lost++; in_flight = false)
    :: else
    fi;
    goto done;
busy:
    if
    :: goto take /* yield_cpu() */
    :: STEP(lost++; in_flight = false)
    fi;
done:
    skip
  :: else -> break
  od;
dead:
  atomic {
    if
    :: in_flight -> cut++
    :: else
    fi;
    if
    :: me == HANDLER -> is_handling = false
    :: else
    fi;
    finished++
  }
}

proctype daemon() {
  byte s, holder;
#ifndef BUG_REPAIR_LIVING
  is_dead || finished >= WRITERS; /* the kernel says when a program is gone */
#endif
  do
  :: s < 2 ->
#ifndef BUG_REPAIR_FORGOTTEN
    holder = owner[s];
    if
#ifdef BUG_REPAIR_ANYONE
    :: holder != 0 ->
#else
    :: holder == 1 ->
#endif
#ifdef BUG_REPAIR_PUBLISHES
      atomic {
        position = (position + 1) % POSITION_WRAP;
        position_count = (position_count + 1) % COUNT_WRAP
      }
#endif
      atomic {
        if
#ifdef BUG_REPAIR_BY_STORE
        :: owner[s] != 99 -> owner[s] = 0
#else
        :: owner[s] == holder -> owner[s] = 0
#endif
        :: else
        fi
      }
    :: else
    fi;
#endif
    s++
  :: else -> break
  od;
  finished++
}
