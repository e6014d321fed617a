/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What faults and forks cost in this machine's own kernel.
 *
 *   faults zero PAGES ROUNDS   ns a page: first write to anonymous memory
 *   faults cow PAGES ROUNDS    ns a page: first write of a child to memory that it shares with its parent
 *   faults fork PAGES ROUNDS   ns a fork: of a process that has touched its memory
 *
 * A line a round. Huge pages are refused: the other side has pages of 4 KiB.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static size_t pages;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}

static char *map(void)
{
    char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap");
    if (madvise(memory, pages * PAGE, MADV_NOHUGEPAGE) != 0)
        fail("madvise");
    return memory;
}

static double touch(char *memory)
{
    double start = now();
    for (size_t i = 0; i < pages; i++)
        *(volatile unsigned long *)(memory + i * PAGE) = ~i;
    return now() - start;
}

static double zero(void)
{
    char *memory = map();
    double cost = touch(memory) / pages;
    munmap(memory, pages * PAGE);
    return cost;
}

/* Runs in a child what is to be measured there, and gives its answer to the parent. */
static double cow(char *memory)
{
    int ends[2];
    double cost;
    if (pipe(ends) != 0)
        fail("pipe");
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        cost = touch(memory) / pages;
        _exit(write(ends[1], &cost, sizeof cost) != sizeof cost);
    }
    if (read(ends[0], &cost, sizeof cost) != sizeof cost)
        fail("read");
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    return cost;
}

static double forks(char *memory)
{
    touch(memory);
    double start = now();
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    double cost = now() - start;
    if (child < 0)
        fail("fork");
    waitpid(child, NULL, 0);
    return cost;
}

int main(int argc, char **argv)
{
    if (argc != 4 || (pages = strtoul(argv[2], NULL, 10)) == 0) {
        fprintf(stderr, "usage: faults zero|cow|fork PAGES ROUNDS\n");
        return 2;
    }
    char *memory = NULL;
    if (strcmp(argv[1], "zero") != 0) {
        memory = map();
        touch(memory);
    }
    for (int rounds = atoi(argv[3]); rounds > 0; rounds--) {
        double cost;
        if (strcmp(argv[1], "zero") == 0)
            cost = zero();
        else if (strcmp(argv[1], "cow") == 0)
            cost = cow(memory);
        else if (strcmp(argv[1], "fork") == 0)
            cost = forks(memory);
        else {
            fprintf(stderr, "faults: %s: expected zero, cow or fork\n", argv[1]);
            return 2;
        }
        printf("%.1f\n", cost);
    }
    return 0;
}
