// The groups of cases.
#pragma once

#include "application.h"
#include "check.h"
#include "provider.h"

void file_transitions(Group &group);
void directory_transitions(Group &group);
void notifications(Group &group);
void view_changes(Group &group);
void callback_fields(Group &group);
void enumeration(Group &group);
void file_data(Group &group);
void spelling(Group &group);
void asynchronous(Group &group);
void stress(Group &group);
void life_cycle(Group &group);
void misuse(Group &group);
void layout(Group &group);
void names(Group &group);

// What was done to an item so that it is in a state, by its short name: V P H DP DH F T A, and L (local: full, and not in
// the store).
void bring_into_state(Instance &instance, Application &application, const std::string &path, const std::string &state,
                      const Entry &entry = file("stored"));

// A trace is what was expected: lines in order; a line that begins with "?" may be absent; a line with " | " is either of
// several. Waits for it.
void expect_trace(const Instance &instance, const std::string &prefix, const std::vector<std::string> &expected,
                  const std::string &what = "callbacks");

// Callbacks that are under way have arrived: what a process did before is told of.
void settle(Instance &instance, Application &application);
