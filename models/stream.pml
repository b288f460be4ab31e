/* SPDX-License-Identifier: MIT */
/*
 * One stream of a ring: its memory (src/abi/ring.h), one attempt of a writer (attempt() and
 * switch_subbuffer() in src/probe/writer.cpp) and the reader (src/ring/stream_reader.cpp).
 *
 * ring.pml and lock.pml include this file and define before it what makes their writers different:
 *
 *   STEP(action)     the writer's next access to shared memory; it may be killed instead
 *   ENTER            what lies between the decision what to write and the first store
 *   SECTION(action)  a store that only happens if nobody interrupted the writer since ENTER
 *   LEAVE_SECTION    goes with the last of them
 *   WRITERS, EVENTS  how many writers there are, and how many events each one sends
 *   START_WRITERS, ALL_FINISHED, END_CHECK
 *                    starts them; `finished` once all have ended; what else must hold then
 *
 * A writer has the labels `again` (next attempt), `leave` (done, or no room) and `dead`.
 * README.md says what is left out and why, and lists the bugs (-DBUG_...) that must be found.
 */

#ifndef SUBBUF
#define SUBBUF 3 /* places in a sub-buffer; a record takes one, the last one is never filled */
#endif
#ifndef COUNT
#define COUNT 2 /* sub-buffers */
#endif
#ifndef LAST_TIME
#define LAST_TIME 1 /* the clock goes from 1 to this */
#endif
#define PLACES (SUBBUF * COUNT)
#define POSITION_WRAP (4 * PLACES) /* as 2^40 bytes are 4 times the largest ring */
#ifdef BUG_NARROW_COUNT
#define COUNT_WRAP 2
#else
#define COUNT_WRAP 4 /* more than a sub-buffer has records */
#endif
#ifdef BUG_FILL_TO_END
#define LIMIT SUBBUF
#else
#define LIMIT (SUBBUF - 1)
#endif
#define MAX_EVENTS (WRITERS * EVENTS)

/* The ring has run for a while: its position wraps with the first switch, its count with the first record. */
#define FIRST_SEQUENCE (4 * COUNT - 1)
#define FIRST_EVENT 3
#define FIRST_SLOT (FIRST_SEQUENCE % COUNT)

#define EPOCH(time) ((time) / 2)
#define OFFSET(bytes) ((bytes) % SUBBUF)
#define SLOT_AT(bytes) (((bytes) / SUBBUF) % COUNT)
#define START_OF(sequence) (((sequence) * SUBBUF) % POSITION_WRAP)
#define BYTES_FROM(sequence, bytes) (((bytes) + POSITION_WRAP - START_OF(sequence)) % POSITION_WRAP)

/* struct sillage_ring_stream. The two halves of the position are always stored and loaded together. */
byte position = START_OF(FIRST_SEQUENCE), position_count = FIRST_EVENT % COUNT_WRAP;
byte epoch;
byte consumed = START_OF(FIRST_SEQUENCE);
byte lost;
/* struct sillage_ring_entry, in the two halves that are stored one after the other. */
byte entry_sequence[COUNT];
byte entry_events[COUNT], entry_end[COUNT], entry_end_count[COUNT];
/* A record: two words, stored one after the other. The value says who wrote it and which of its events it is. */
byte word1[PLACES], word2[PLACES];
byte now = 1;

/* What nobody can see: the truth that the reader's results are compared with. */
byte truth[MAX_EVENTS]; /* value of the n-th record published; 0 once it was given out or counted as overrun */
byte published, last_time = 1, full_epoch;
byte sent, elsewhere, cut; /* events: begun; recorded on another stream; of a writer killed before it was done */
byte finished;             /* writers (and what else must end before the reader may draw the line) */

/* The clock may have moved on by any amount since somebody looked. */
#define READ_CLOCK(t) do :: now < LAST_TIME -> now++ :: break od; t = now

/* Within a stream time follows the order of publication, and a compact header can be decoded: no record lies
 * in another epoch than the last full time before it. */
#define PUBLISHED_AT(time, is_full)            \
  assert(time >= last_time);                   \
  assert(is_full || EPOCH(time) == full_epoch); \
  last_time = time;                            \
  full_epoch = EPOCH(time)
#define ADVANCE position = (at + 1) % POSITION_WRAP
#define COUNT_UP                                        \
  position_count = (count + 1) % COUNT_WRAP;            \
  truth[published] = value;                             \
  published++;                                          \
  PUBLISHED_AT(t, extended)

/* attempt(): goes to `again` if it must be repeated, to `leave` with `is_full` if there was no room. */
inline attempt() {
#ifdef BUG_CLOCK_FIRST
  STEP(READ_CLOCK(t));
#endif
  STEP(at = position; count = position_count);
#if !defined(BUG_CLOCK_FIRST) && !defined(BUG_CLOCK_BEFORE_LOCK)
  STEP(READ_CLOCK(t));
#endif
  STEP(extended = (epoch != EPOCH(t)));
  if
  :: OFFSET(at) + 1 > LIMIT ->
    next = ((at / SUBBUF + 1) * SUBBUF) % POSITION_WRAP;
#ifndef OVERWRITE
#ifdef BUG_FULL_TOO_LATE
    STEP(is_full = (next + POSITION_WRAP - consumed) % POSITION_WRAP > PLACES);
#else
    STEP(is_full = (next + POSITION_WRAP - consumed) % POSITION_WRAP >= PLACES);
#endif
    if
    :: is_full -> goto leave
    :: else
    fi;
#endif
    STEP(sequence = entry_sequence[SLOT_AT(at)] + 1;
         events = entry_events[SLOT_AT(at)] +
                  (count + COUNT_WRAP - entry_end_count[SLOT_AT(at)]) % COUNT_WRAP);
    ENTER;
#ifdef BUG_ENTRY_AFTER_POSITION
    SECTION(position = next; PUBLISHED_AT(t, true));
#endif
    SECTION(entry_sequence[SLOT_AT(next)] = sequence);
    SECTION(entry_events[SLOT_AT(next)] = events; entry_end[SLOT_AT(next)] = at;
            entry_end_count[SLOT_AT(next)] = count);
#ifdef BUG_DATA_BEFORE_POSITION
    SECTION(word1[next % PLACES] = value);
#endif
#ifdef BUG_ENTRY_AFTER_POSITION
    SECTION(LEAVE_SECTION);
#else
    SECTION(position = next; PUBLISHED_AT(t, true); LEAVE_SECTION);
#endif
    STEP(epoch = EPOCH(t));
    goto again
  :: else
  fi;
#ifdef BUG_EPOCH_BEFORE
  STEP(epoch = EPOCH(t));
#endif
  ENTER;
#ifdef BUG_PUBLISH_FIRST
  SECTION(ADVANCE; COUNT_UP; in_flight = false);
#endif
  SECTION(word1[at % PLACES] = value);
  /* Whole blocks are copied: beyond the record, where nothing is published yet. */
#ifdef BUG_OVERCOPY
  SECTION(word2[at % PLACES] = value; word2[(at + 1) % PLACES] = value; word2[(at + 2) % PLACES] = value);
#else
  SECTION(word2[at % PLACES] = value; word2[(at + 1) % PLACES] = value);
#endif
#ifdef BUG_TWO_STORES
  SECTION(ADVANCE);
#endif
#ifdef BUG_PUBLISH_FIRST
  SECTION(LEAVE_SECTION);
#else
#ifdef BUG_RELEASE_OWNER_FIRST
  SECTION(owner[0] = 0);
#endif
  SECTION(ADVANCE; COUNT_UP; in_flight = false; LEAVE_SECTION);
#endif
  if
  :: extended -> STEP(epoch = EPOCH(t))
  :: else
  fi
}

#ifndef OVERWRITE
#define IS_OVERRUN false
#elif defined(BUG_KEEP_ONE_MORE)
#define IS_OVERRUN (BYTES_FROM(sequence, position) >= PLACES + SUBBUF)
#else
#define IS_OVERRUN (BYTES_FROM(sequence, position) >= PLACES)
#endif

#ifdef FLUSH
#define WORTH_A_FLUSH (BYTES_FROM(sequence, position) > read)
#else
#define WORTH_A_FLUSH false
#endif

/* The first sub-buffer whose memory may be taken: no permission that a writer has from before reaches it. */
#ifdef BUG_RECLAIM_NEXT
#define FIRST_TAKEN (current + 1)
#else
#define FIRST_TAKEN (current + 2)
#endif
#ifdef BUG_RECLAIM_UNCHECKED
#define IS_STILL_THERE true
#else
#define IS_STILL_THERE (BYTES_FROM(sequence, position) / SUBBUF == current - sequence)
#endif

/* StreamReader::reclaim_memory(): slots that are free lose what is in them, one after the other. */
inline reclaim_memory() {
  current = sequence + BYTES_FROM(sequence, position) / SUBBUF;
  n = FIRST_TAKEN;
  if
  :: n < sequence + COUNT ->
#ifndef BUG_RECLAIM_UNCLAIMED
    consumed = START_OF(n - COUNT);
#endif
    if
    :: IS_STILL_THERE ->
      do
      :: n < sequence + COUNT ->
        d_step {
          do
          :: entry < SUBBUF ->
            word1[(n % COUNT) * SUBBUF + entry] = 0;
            word2[(n % COUNT) * SUBBUF + entry] = 0;
            entry++
          :: else -> break
          od;
          entry = 0;
          n++
        }
      :: else -> break
      od
    :: else
    fi;
    consumed = START_OF(sequence)
  :: else
  fi;
  atomic { n = 0; current = 0 }
}

/* StreamReader: next_run() again and again, as it is called with and without `flush`. */
proctype reader() {
  byte sequence = FIRST_SEQUENCE, accounted = FIRST_EVENT, floor = FIRST_SEQUENCE, read;
  byte ahead, current, candidate, end, events, entry, overrun, delivered, n;
  bool bad, is_credible, is_overrun;

not_placed: /* place() */
  atomic {
    ahead = BYTES_FROM(floor, position);
    assert(ahead < POSITION_WRAP - SUBBUF); /* honest writers never make a place look wrong */
    current = floor + ahead / SUBBUF;
    ahead = 0;
    candidate = floor;
#ifdef OVERWRITE
    if
    :: current - floor > COUNT - 2 -> candidate = current - (COUNT - 2)
    :: else
    fi
#else
    assert(current - floor <= COUNT - 1)
#endif
  }
place_at:
  entry = entry_sequence[candidate % COUNT];
  events = entry_events[candidate % COUNT];
  atomic {
    if
#ifdef OVERWRITE
#ifdef BUG_PLACE_ONE_MORE
    :: BYTES_FROM(candidate, position) >= PLACES ->
#else
    :: BYTES_FROM(candidate, position) >= SUBBUF * (COUNT - 1) ->
#endif
      if
      :: candidate != current -> candidate = current; goto place_at
      :: else -> goto not_placed
      fi
#endif
    :: else ->
      assert(entry == candidate);
#ifdef BUG_COUNTED_TWICE
      accounted = accounted - read;
#endif
      sequence = entry;
      floor = entry;
      do
      :: accounted < events ->
        assert(truth[accounted - FIRST_EVENT] != 0); /* neither given out nor counted yet */
        truth[accounted - FIRST_EVENT] = 0;
        accounted++;
        overrun++
      :: else -> break
      od;
      assert(accounted == events);
      read = 0; entry = 0; events = 0; candidate = 0; current = 0
    fi
  }

next_run:
  atomic {
    /* Nothing to do is no step: the reader waits. */
    (finished == ALL_FINISHED || BYTES_FROM(sequence, position) >= SUBBUF || WORTH_A_FLUSH) ->
    ahead = BYTES_FROM(sequence, position);
    events = (position_count + COUNT_WRAP - accounted % COUNT_WRAP) % COUNT_WRAP;
#ifndef OVERWRITE
    assert(ahead < PLACES); /* no writer passes what is not released */
#endif
    if
#ifdef OVERWRITE
    :: ahead >= PLACES ->
      floor = sequence + 1;
      ahead = 0; events = 0;
      goto not_placed
#endif
    :: ahead < SUBBUF && ahead == read -> goto the_end /* all have finished */
    :: ahead < SUBBUF && ahead > read -> /* read_open() */
      end = ahead;
      assert(events == end - read)
    :: else -> /* read_closed(): the entry of the next one says where this one ends */
      end = 0; events = 0
    fi
  }
#ifdef BUG_RELEASE_EARLY
  if
  :: ahead >= SUBBUF -> consumed = START_OF(sequence + 1)
  :: else
  fi;
#endif
  if
  :: ahead >= SUBBUF ->
    entry = entry_sequence[(sequence + 1) % COUNT];
    atomic {
      events = entry_events[(sequence + 1) % COUNT] - accounted;
      end = BYTES_FROM(sequence, entry_end[(sequence + 1) % COUNT]);
      is_credible = (entry == sequence + 1 && end < SUBBUF && end >= read && events <= end - read &&
                     entry_end_count[(sequence + 1) % COUNT] == (events + accounted) % COUNT_WRAP);
      entry = 0
    }
  :: else -> is_credible = true
  fi;
#ifdef BUG_CHECK_BEFORE_COPY
  is_overrun = IS_OVERRUN;
#endif
  /* The copy is one step: a word that is wrong when it is copied is as wrong if all are copied then. */
  atomic {
    n = 0;
    do
    :: is_credible && n < end - read ->
      bad = bad || accounted + n >= FIRST_EVENT + published ||
            truth[accounted + n - FIRST_EVENT] != word1[(START_OF(sequence) + read + n) % PLACES] ||
            truth[accounted + n - FIRST_EVENT] != word2[(START_OF(sequence) + read + n) % PLACES];
      n++
    :: else -> break
    od;
    n = 0
  }
  atomic {
#ifndef BUG_CHECK_BEFORE_COPY
    is_overrun = IS_OVERRUN;
#endif
    if
    :: is_overrun ->
      floor = sequence + 1;
      bad = false; ahead = 0; end = 0; events = 0; is_credible = false; is_overrun = false;
      goto not_placed
    :: else ->
      assert(is_credible); /* honest writers' accounts never contradict each other */
      assert(!bad);        /* what was published, as it was published, in that order */
      assert(events == end - read);
      do
      :: events > 0 ->
        assert(truth[accounted - FIRST_EVENT] != 0);
        truth[accounted - FIRST_EVENT] = 0;
        accounted++; delivered++; events--
      :: else -> break
      od;
      read = end;
      end = 0; is_credible = false;
      if
      :: ahead < SUBBUF -> ahead = 0; goto next_run
      :: else -> sequence++; read = 0; ahead = 0
      fi
    fi
  }
#ifndef OVERWRITE
#ifndef BUG_RELEASE_EARLY
  consumed = START_OF(sequence);
#endif
#ifdef RECLAIM
  if
  :: true -> reclaim_memory()
  :: true
  fi;
#endif
#endif
  goto next_run;

the_end:
  assert(delivered + overrun == published);
  assert(sent == delivered + overrun + lost + elsewhere + cut);
  END_CHECK
}

init {
  d_step {
    entry_sequence[FIRST_SLOT] = FIRST_SEQUENCE;
    entry_events[FIRST_SLOT] = FIRST_EVENT;
    entry_end[FIRST_SLOT] = START_OF(FIRST_SEQUENCE);
    entry_end_count[FIRST_SLOT] = FIRST_EVENT % COUNT_WRAP
  }
  atomic { START_WRITERS; run reader() }
}
