// A conformance suite for implementations of the Windows Projected File System API.
//
//     conformance [--directory DIR] [--group NAME] [--case PART] [--stress N] [--large] [--ignore-case] [--verbose] [--list]
//     conformance --child VERB ARGUMENT...       one file operation, as an application
//
// Ends with 0 if no case failed.
#include "groups.h"

#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <unistd.h>

namespace {

const struct {
    const char *name;
    void (*run)(Group &);
} groups[] = {
    {"layout", layout},
    {"names", names},
    {"life cycle", life_cycle},
    {"misuse", misuse},
    {"file transitions", file_transitions},
    {"directory transitions", directory_transitions},
    {"callback fields", callback_fields},
    {"enumeration", enumeration},
    {"file data", file_data},
    {"notifications", notifications},
    {"view changes", view_changes},
    {"spelling", spelling},
    {"asynchronous", asynchronous},
    {"stress", stress},
};

int usage(const char *what) {
    std::fprintf(stderr,
                 "%s\nusage: conformance [--directory DIR] [--group NAME] [--case PART] [--known FILE]"
                 " [--patience SECONDS] [--stress N] [--large] [--ignore-case] [--verbose]"
                 " [--list]\n",
                 what);
    return 2;
}

// The cases that are known to fail: "group: case", one a line; "#" begins a remark.
std::set<std::string> known_failures(const std::string &path) {
    std::set<std::string> known;
    std::ifstream lines(path);
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line[0] != '#') {
            known.insert(line);
        }
    }
    return known;
}

std::string this_program() {
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    return length > 0 ? std::string(path, static_cast<size_t>(length)) : "/proc/self/exe";
}

}  // namespace

int main(int count, char **arguments) {
    std::signal(SIGPIPE, SIG_IGN);
    if (count > 1 && std::strcmp(arguments[1], "--child") == 0) {
        return application_main(std::vector<std::string>(arguments + 2, arguments + count));
    }
    std::string directory = ".";
    std::set<std::string> known;
    for (int i = 1; i < count; i++) {
        const std::string option = arguments[i];
        if (option == "--verbose") {
            settings.verbose = true;
        } else if (option == "--large") {
            settings.large = true;
        } else if (option == "--ignore-case") {
            settings.ignore_case = true;
        } else if (option == "--list") {
            settings.list = true;
        } else if (i + 1 == count) {
            return usage(("what is " + option + "?").c_str());
        } else if (option == "--directory") {
            directory = arguments[++i];
        } else if (option == "--group") {
            settings.only_group = arguments[++i];
        } else if (option == "--case") {
            settings.only_case = arguments[++i];
        } else if (option == "--known") {
            known = known_failures(arguments[++i]);
        } else if (option == "--patience") {
            settings.patience = static_cast<unsigned>(std::strtoul(arguments[++i], nullptr, 10));
        } else if (option == "--stress") {
            settings.stress = static_cast<unsigned>(std::strtoul(arguments[++i], nullptr, 10));
        } else {
            return usage(("what is " + option + "?").c_str());
        }
    }
    settings.program = this_program();
    settings.directory = std::filesystem::absolute(directory).lexically_normal().string() + "/conformance-" +
                         std::to_string(getpid());
    std::filesystem::create_directories(settings.directory);
    start_watchdog();

    std::vector<std::unique_ptr<Group>> done;
    for (const auto &group : groups) {
        if (!settings.only_group.empty() && settings.only_group != group.name) {
            continue;
        }
        done.push_back(std::make_unique<Group>(group.name));
        try {
            group.run(*done.back());
        } catch (const std::exception &error) {
            done.back()->failed++;
            done.back()->failures.push_back("the group itself");
            std::printf("FAIL  %s: the group ends early: %s\n", group.name, error.what());
        }
    }
    std::error_code ignored;
    std::filesystem::remove_all(settings.directory, ignored);
    if (settings.list) {
        return 0;
    }
    if (done.empty()) {
        return usage("there is no such group");
    }

    int passed = 0;
    int failed = 0;
    size_t not_applicable = 0;
    bool as_known = true;
    std::printf("\n%-24s %7s %7s %15s\n", "group", "passed", "failed", "not applicable");
    for (const auto &group : done) {
        std::printf("%-24s %7d %7d %15zu\n", group->name().c_str(), group->passed, group->failed,
                    group->not_applicable_cases.size());
        passed += group->passed;
        failed += group->failed;
        not_applicable += group->not_applicable_cases.size();
    }
    std::printf("%-24s %7d %7d %15zu\n", "all", passed, failed, not_applicable);
    for (const auto &group : done) {
        for (const std::string &reason : group->not_applicable_cases) {
            std::printf("not applicable: %s: %s\n", group->name().c_str(), reason.c_str());
        }
    }
    for (const auto &group : done) {
        for (const std::string &name : group->failures) {
            const std::string full = group->name() + ": " + name;
            const bool is_known = known.erase(full) != 0;
            as_known = as_known && is_known;
            std::printf("%s: %s\n", is_known ? "failed, as is known" : "failed", full.c_str());
        }
    }
    // Of a part of the suite, the others cannot be said to pass.
    if (settings.only_group.empty() && settings.only_case.empty()) {
        for (const std::string &name : known) {
            std::printf("known to fail, but passed or not there: %s\n", name.c_str());
            as_known = false;
        }
    }
    return as_known && passed > 0 ? 0 : 1;
}
