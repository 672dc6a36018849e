"""The page of a published warehouse: one HTML file that draws its marts offline, for people without a BI tool.

`facts` asks the warehouse and bounds what is kept, `charts` declares how figures are drawn, `page` puts these and the
script, style and text beside them into one file. The script (`page.js`) only filters, adds up and divides: whatever is
shown of a selection is made of sums over its rows, never of means of means. Not here: what the marts compute.
"""
