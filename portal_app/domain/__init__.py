"""The nouns, in order: a module imports only those before it.

outbox < firms < people < sessions < mail < matters < calendar < documents < timekeeping < ledger < invoices < payments
"""
