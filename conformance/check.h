// Cases, what they check, and what is printed of them.
#pragma once

#include "text.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

// A case gives up: what follows would make no sense.
struct GiveUp : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// One group of cases. Its body runs them one after the other; what it sets up between them is theirs together.
class Group {
  public:
    explicit Group(std::string name) : name_(std::move(name)) {}

    // Runs a case, unless it was not asked for.
    void test(const std::string &name, const std::function<void()> &body);

    // A case that cannot be on this system, and why.
    void not_applicable(const std::string &name, const std::string &reason);

    // A choice that the specification leaves and this implementation made: printed, not counted.
    void found(const std::string &what);

    const std::string &name() const { return name_; }
    int passed = 0;
    int failed = 0;
    std::vector<std::string> failures;
    std::vector<std::string> not_applicable_cases;

  private:
    std::string name_;
};

// Within a case: notes a failure and goes on.
void fail(const std::string &what);
void check(bool holds, const std::string &what);
void same(const std::string &seen, const std::string &expected, const std::string &what);
void same(HRESULT seen, HRESULT expected, const std::string &what);
void same_number(long long seen, long long expected, const std::string &what);
void one_of(const std::string &seen, const std::vector<std::string> &expected, const std::string &what);
void one_of(HRESULT seen, const std::vector<HRESULT> &expected, const std::string &what);

// Within a case: notes a failure and ends the case.
void require(bool holds, const std::string &what);
void require_ok(HRESULT seen, const std::string &what);

// What was asked for on the command line.
struct Settings {
    std::string directory;             // where roots are made
    std::string only_group;            // empty: all
    std::string only_case;             // a part of a name; empty: all
    bool verbose = false;              // every case is printed
    bool large = false;                // files of several gigabytes are delivered
    bool list = false;                 // nothing runs
    bool ignore_case = false;          // every root ignores the case of names
    unsigned stress = 10000;           // pended commands of the stress
    unsigned patience = 20;            // seconds until something that does not come is missing
    std::string program;               // this program, for the other processes
};
extern Settings settings;

// Ends the process with a message if a case takes longer than this. A hang inside the library cannot be ended otherwise.
void start_watchdog();
