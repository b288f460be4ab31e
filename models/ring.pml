/* SPDX-License-Identifier: MIT */
/*
 * A stream that is written inside restartable sequences (src/probe/rseq.hpp): the writers of one CPU, which
 * the kernel preempts, moves to other CPUs, interrupts and kills at every step, and the reader.
 *
 * There is no process for the kernel. A writer that takes a step on this CPU has thereby interrupted whoever
 * was there: only its next step tells. Where a writer runs is chosen anew at each step outside a section; inside
 * one it is this CPU, or the section is over.
 */
#ifndef WRITERS
#define WRITERS 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#define ALL_FINISHED WRITERS

mtype = { OUTSIDE, INSIDE, INSIDE_ELSEWHERE };
mtype section[2] = OUTSIDE; /* of each writer: inside and not interrupted */
byte kills = KILLS;         /* how many writers may still be killed */

#define MAY_DIE if :: kills > 0 -> kills--; goto dead :: true fi
#ifdef BUG_NO_ABORT
#define ON_THIS_CPU skip
#else
#define ON_THIS_CPU if :: section[1 - me] == INSIDE -> section[1 - me] = OUTSIDE :: else fi
#endif

#define STEP(action)                                  \
  atomic {                                            \
    MAY_DIE;                                          \
    if                                                \
    :: ON_THIS_CPU                                    \
    :: section[1 - me] == INSIDE /* on another CPU */ \
    fi;                                               \
    action                                            \
  }

/* The section's own checks: this CPU, and nothing published since. */
#ifdef BUG_NO_POSITION_CHECK
#define UNCHANGED true
#else
#define UNCHANGED (position == at && position_count == count)
#endif
#ifdef BUG_NO_CPU_CHECK
#define ENTERED_ELSEWHERE if :: UNCHANGED -> section[me] = INSIDE_ELSEWHERE :: else -> goto again fi
#else
#define ENTERED_ELSEWHERE goto again
#endif
#define ENTER                                                     \
  atomic {                                                        \
    MAY_DIE;                                                      \
    if                                                            \
    :: ON_THIS_CPU;                                               \
      if                                                          \
      :: UNCHANGED -> section[me] = INSIDE                        \
      :: else -> goto again                                       \
      fi                                                          \
    :: true; ENTERED_ELSEWHERE                                    \
    fi                                                            \
  }

/* Started over if another writer ran here, and also for no reason that this model knows (a signal, a third
 * program, a move to another CPU and back). */
#ifdef BUG_ABORT_IS_DONE
#define INTERRUPTED goto leave
#else
#define INTERRUPTED goto again
#endif
#ifdef BUG_NO_ABORT
#define SECTION(action) atomic { MAY_DIE; action }
#else
#define SECTION(action)                                       \
  atomic {                                                    \
    MAY_DIE;                                                  \
    if                                                        \
    :: section[me] != INSIDE_ELSEWHERE -> section[me] = OUTSIDE; INTERRUPTED \
    :: section[me] != OUTSIDE -> action                       \
    fi                                                        \
  }
#endif
#define LEAVE_SECTION section[me] = OUTSIDE

/* attempt_rseq() looks up the CPU first. What is recorded on another one's stream, or after too many aborts
 * on a try-locked one, is not this stream's business. */
#define WHERE                                                          \
  atomic {                                                             \
    if                                                                 \
    :: true                                                            \
    :: elsewhere++; in_flight = false; is_full = false; goto leave     \
    fi                                                                 \
  }
#define START_WRITERS run writer(0); if :: WRITERS > 1 -> run writer(1) :: else fi
#define END_CHECK assert(cut <= KILLS)

#include "stream.pml"

proctype writer(byte me) {
  byte i, value, at, count, t, next, sequence, events;
  bool extended, is_full, in_flight;
  do
  :: i < EVENTS ->
    atomic { i++; value = me * EVENTS + i; sent++; in_flight = true; is_full = false };
again:
    WHERE;
    attempt();
leave:
    if
#ifdef BUG_LOSS_FORGOTTEN
    :: is_full -> STEP(in_flight = false)
#else
    :: is_full -> STEP(lost++; in_flight = false)
#endif
    :: else
    fi
  :: else -> break
  od;
dead:
  atomic {
    section[me] = OUTSIDE;
    if
    :: in_flight -> cut++
    :: else
    fi;
    finished++
  }
}
