# C1, C2, C3 and Farrington flexible of the last week of every series, by R's surveillance.
# Arguments: the series (CSV, one column each, a row a week), where to write the bounds.
suppressMessages(library(surveillance))
given <- commandArgs(trailingOnly = TRUE)
counts <- as.matrix(read.csv(given[1], check.names = FALSE))
weeks <- nrow(counts)
first <- as.numeric(as.Date("2011-01-03"))
begun <- proc.time()
found <- matrix(NA, ncol(counts), 4, dimnames = list(colnames(counts), c("C1", "C2", "C3", "flexible")))
for (series in seq_len(ncol(counts))) {
  one <- sts(observed = counts[, series], epoch = first + 7 * (seq_len(weeks) - 1), epochAsDate = TRUE,
             start = c(2011, 1), frequency = 52)
  for (method in c("C1", "C2", "C3")) {
    found[series, method] <- upperbound(earsC(one, control = list(method = method)))[weeks - c(C1 = 7, C2 = 9, C3 = 11)[[method]]]
  }
  control <- list(range = weeks, b = 4, w = 3, alpha = 0.005, limit54 = c(5, 4), noPeriods = 10,
                  weightsThreshold = 2.58, pastWeeksNotIncluded = 26, pThresholdTrend = 1,
                  thresholdMethod = "nbPlugin", glmWarnings = FALSE)
  found[series, "flexible"] <- upperbound(farringtonFlexible(one, control = control))
}
spent <- proc.time() - begun
write.csv(found, given[2])
cat(spent[["user.self"]] + spent[["sys.self"]], "\n")
